"""Every neuron with numbers that make it spike: what all must do is tested over this table."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import neuron

LEAKS = {"current_decay": 0.3, "voltage_decay": 0.2}
ROTATION = {"period": 9.0, "decay": 0.05}
ADAPTIVE = {
    "threshold_step": 0.390625,
    "threshold_decay": 0.1,
    "refractory_decay": 0.25,
}
FIELDS = {
    "cuba": {"threshold": 1.0, **LEAKS},
    "alif": {"threshold": 1.0, **LEAKS, **ADAPTIVE},
    "rf": {"threshold": 0.75, **ROTATION},
    "rf_iz": {"threshold": 0.75, **ROTATION},
    "adrf": {"threshold": 0.75, **ROTATION, **ADAPTIVE},
    "adrf_iz": {"threshold": 0.75, **ROTATION, **ADAPTIVE},
    "sigma_delta": {"threshold": 0.25, "activation": "relu"},
}
NAMES = tuple(FIELDS)
SPIKING = tuple(name for name in NAMES if name != "sigma_delta")
COMPLEX = ("rf", "rf_iz", "adrf", "adrf_iz")
LEARNED = {
    "cuba": ("current_decay", "voltage_decay"),
    "alif": ("current_decay", "voltage_decay"),
    **dict.fromkeys(COMPLEX, ("sin_decay", "cos_decay")),
}
ADAPTING = ("alif", "adrf", "adrf_iz")
OF_THRESHOLD = ("threshold", "threshold_step", "threshold_decay", "refractory_decay")


def make(name, **changes):
    """The neuron ``name`` with its fields, changed."""
    return getattr(neuron, name).Neuron(**{**FIELDS[name], **changes})


def drive(name, shape, seed=0, mean=0.35, spread=0.5):
    """A random drive ``[N, C, ..., T]``, a pair of them for a complex neuron."""
    rng = np.random.default_rng(seed)
    real = jnp.asarray(np.round(rng.normal(mean, spread, shape) * 1024) / 1024, jnp.float32)
    if name not in COMPLEX:
        return real
    return real, jnp.asarray(np.round(rng.normal(0, spread, shape) * 1024) / 1024, jnp.float32)


def cut(x, start, stop):
    """Steps of a drive."""
    return jax.tree.map(lambda part: jnp.asarray(np.asarray(part)[..., start:stop]), x)


@functools.partial(jax.jit, static_argnums=0)
def init(layer, key, x):
    """A layer's first variables; equal layers are compiled once in all tests."""
    return layer.init(key, x)


@functools.partial(jax.jit, static_argnums=0, static_argnames=("train", "mutable"))
def apply(layer, variables, x, *, train=False, mutable=False, rngs=None):
    """A layer's output, likewise; ``mutable`` is a tuple."""
    return layer.apply(variables, x, train=train, mutable=mutable, rngs=rngs)
