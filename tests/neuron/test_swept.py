"""Sweeps: every number of every neuron may be traced, and equals the loop over Python numbers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.neuron import cases

SHAPE = (2, 3, 24)
RANGES = {
    "threshold": (0.3, 1.3),
    "threshold_step": (0.05, 0.8),
    "current_decay": (0.05, 0.9),
    "voltage_decay": (0.05, 0.9),
    "threshold_decay": (0.05, 0.9),
    "refractory_decay": (0.05, 0.9),
    "period": (4.5, 30.0),
    "decay": (0.01, 0.3),
    "tau_grad": (0.02, 0.5),
    "scale_grad": (0.5, 3.0),
    "bias": (-0.3, 0.3),
}
"""Every number that one may sweep, by field; sizes, flags and scales are none."""

COUNT = 4
SWEEPS = [
    (name, field)
    for name in cases.NAMES
    for field in RANGES
    if field in cases.make(name).__dataclass_fields__
]
EACH = pytest.mark.parametrize(("name", "field"), SWEEPS)


def values(field):
    """Numbers of a sweep as float32, off every grid."""
    return jnp.asarray(np.random.default_rng(0).uniform(*RANGES[field], COUNT), jnp.float32)


def spikes(name, field, x, value, **options):
    return cases.make(name, **{field: value}, **options).apply({}, x)


def loss(name, field, value, x):
    return jnp.sum(spikes(name, field, x, value) ** 2)


@EACH
def test_a_mapped_sweep_is_the_loop_over_python_numbers(name, field):
    x, traces = cases.drive(name, SHAPE), []

    @jax.jit
    @jax.vmap
    def sweep(value):
        traces.append(value)
        return spikes(name, field, x, value), jax.grad(functools.partial(loss, name, field))(value, x)

    found, slopes = sweep(values(field))
    alone = [spikes(name, field, x, float(value)) for value in values(field)]
    np.testing.assert_array_equal(found, np.stack(alone))
    assert found.any()
    assert np.isfinite(slopes).all()
    sweep(values(field) * 0.97)
    assert len(traces) == 1
