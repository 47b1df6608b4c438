"""Every kind of block of every family, small and with numbers that make it spike."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import block, ops
from jslayer.ops.spike import spike
from jslayer.ops.surrogate import FastSigmoid
from tests.neuron import cases as neurons

STEPS = 14
FLAT = (2, 3, STEPS)
IMAGE = (2, 2, 4, 4, STEPS)
KEY = jax.random.key(0, impl="rbg")
"""Its draws compile in a fraction of the time that those of the usual kind of key take."""


@dataclasses.dataclass(frozen=True)
class Leaky(ops.Dynamics):
    """A leaky neuron of floats with a soft reset and the automatic adjoint."""

    def init(self, like):
        return {"voltage": jnp.zeros_like(like)}

    def step(self, constants, state, x):
        voltage = (1 - constants["leak"]) * state["voltage"] + x
        fired = spike(voltage, constants["threshold"], surrogate=FastSigmoid(2.0))
        after = voltage - constants["threshold"] * fired
        return {"voltage": after}, {"spike": fired, "voltage": voltage}


CUSTOM = {
    "record": Leaky(),
    "parameters": {"leak": 0.125, "threshold": 1.0},
    "ranges": {"leak": (0.0, 1.0)},
    "readout": "voltage",
}
FIELDS = {**neurons.FIELDS, "custom": CUSTOM}
FAMILIES = tuple(FIELDS)
MEMORYLESS = {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": 1.0}


@dataclasses.dataclass(frozen=True)
class Kind:
    """How to make a kind of block, the shapes of what it takes and gives, and what it has."""

    arguments: tuple
    takes: tuple[int, ...] = FLAT
    gives: tuple[int, ...] = FLAT
    neuron: bool = True
    weighted: bool = True
    counts: bool = True


def image(channels, height, width):
    return (2, channels, height, width, STEPS)


def rows(channels):
    return (2, channels, STEPS)


KINDS = {
    "Input": Kind((), weighted=False),
    "Output": Kind((None, 4), gives=rows(4)),
    "Flatten": Kind((), IMAGE, rows(32), neuron=False, weighted=False, counts=False),
    "Average": Kind((4,), IMAGE, rows(4), neuron=False, weighted=False, counts=False),
    "Affine": Kind((None, 4), gives=rows(4), counts=False),
    "TimeDecimation": Kind((4,), gives=(2, 3, 4), neuron=False, weighted=False, counts=False),
    "Dense": Kind((None, 4), gives=rows(4)),
    "Conv": Kind((None, 4, 3, 1, 1), IMAGE, image(4, 4, 4)),
    "Pool": Kind((2,), IMAGE, image(2, 2, 2), weighted=False),
    "ConvT": Kind((None, 3, 2, 2), IMAGE, image(3, 8, 8)),
    "Unpool": Kind((2,), IMAGE, image(2, 8, 8), weighted=False),
    "KWTA": Kind((None, 4, 2), gives=rows(4)),
    "Recurrent": Kind((None, 4), gives=rows(4)),
}
WITH_NEURON = tuple(name for name, kind in KINDS.items() if kind.neuron)


def fields(family, **changes):
    """`neuron_params` of a family."""
    return {**FIELDS[family], **changes}


def make(family, name, changes=None, **options):
    """A block of a family; ``changes`` are those of its neuron's arguments."""
    kind, home = KINDS[name], getattr(block, family)
    first = (fields(family, **(changes or {})),) if kind.neuron else ()
    if kind.weighted:
        options = {"weight_scale": 3, **options}
    if name == "KWTA" and family == "custom":  # its neuron has no threshold that the block knows
        options = {"bias": 1.5, **options}
    return getattr(home, name)(*first, *kind.arguments, **options)


def events(shape, seed=0, rate=0.25):
    """Random events of size 2."""
    found = np.random.default_rng(seed).random(shape) < rate
    return jnp.asarray(2 * found, jnp.float32)


def first(network, shape):
    """First variables of a block or network, with delays of several steps where there are some."""
    variables = network.init(KEY, jnp.ones(shape))

    def spread(path, leaf):
        if getattr(path[-1], "key", "") != "delay":
            return leaf
        return jnp.asarray((0.75 * np.arange(leaf.size) % 3).reshape(leaf.shape), leaf.dtype)

    return jax.tree_util.tree_map_with_path(spread, variables)


@functools.cache
def fresh(network, shape):
    """What ``first`` gives, compiled as one program."""
    return jax.jit(first, static_argnums=(0, 1))(network, shape)


@functools.cache
def abstract(network, shape):
    """Shapes and dtypes of the first variables."""
    return jax.eval_shape(functools.partial(first, network, shape))


def impulse(shape, at):
    """One event of size 1 in every channel at one step."""
    return jnp.zeros(shape).at[..., at].set(1.0)
