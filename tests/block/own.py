"""Modules of one's own that call blocks, in the styles in which users write them."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jslayer.block import Sequential, cuba
from tests.block import cases

NEURON = {"threshold": 0.3, "current_decay": 0.25, "voltage_decay": 0.03}
EVENTS = jnp.asarray(np.random.default_rng(0).random((2, 5, 10)) < 0.4, jnp.float32)
IMAGES = jnp.asarray(np.random.default_rng(1).random((2, 2, 4, 4, 8)) < 0.4, jnp.float32)

Dense = functools.partial(cuba.Dense, NEURON, weight_scale=4)
Conv = functools.partial(cuba.Conv, NEURON, weight_scale=3)


class Encoder(nn.Module):
    """A list of blocks, made in `setup`, called in a loop."""

    def setup(self):
        self.blocks = [
            Dense(None, 4, delay=True, weight_norm=True),
            cuba.Recurrent(NEURON, 4, 3, weight_scale=4),
        ]

    def __call__(self, x, train=False):
        for block in self.blocks:
            x = block(x, train=train)
        return x


class Heads(nn.Module):
    """Modules in modules, a skip path from the input, a row of blocks, two heads by name."""

    @nn.compact
    def __call__(self, x, *, train=False):
        deep = Encoder(name="encoder")(x, train=train)
        plain = nn.remat(cuba.Dense)(NEURON, None, 3, weight_scale=4, name="plain")(x)
        kept = {**NEURON, "policy": "save_spikes"}
        row = Sequential([cuba.Dense(kept, None, 3, weight_scale=4)])(deep, train=train)
        joined = jnp.concatenate([deep, x, plain, row], axis=1)
        return {"wide": Dense(None, 2, name="head")(joined, train=train), "deep": deep}


class Images(nn.Module):
    """Joins images, and flattens them by a reshape; one block counts."""

    @nn.compact
    def __call__(self, x):
        first, _ = Conv(None, 3, 3, padding=1, count_log=True)(x)
        both = jnp.concatenate([first, Conv(None, 2, 3, padding=1)(first)], axis=1)
        return Dense(None, 4)(both.reshape(both.shape[0], -1, both.shape[-1]))


class Sum(nn.Module):
    """A sum of two branches, which no graph says."""

    @nn.compact
    def __call__(self, x, *, train=False):
        left, right = Dense(5, 5, weight_norm=True, name="left"), Dense(5, 5, name="right")
        return Dense(5, 3)(left(x, train=train) + right(x), train=train)


class Tied(nn.Module):
    """A block that is called several times."""

    @nn.compact
    def __call__(self, x, *, train=False):
        tied = Dense(5, 5, weight_norm=True, name="tied")
        return Dense(5, 3)(tied(x, train=train) + tied(tied(x)), train=train)


@functools.cache
def ready(kind):
    """A module, its variables and an input."""
    module, x = kind(), IMAGES if kind is Images else EVENTS
    return module, jax.jit(module.init)(cases.KEY, x), x


@functools.cache
def sent(kind):
    """What it sends."""
    module, variables, x = ready(kind)
    return jax.jit(module.apply)(variables, x)


def equal(found, expected):
    """Equal outputs, of which some are not zero."""
    found, expected = jax.tree.leaves(found), jax.tree.leaves(expected)
    assert len(found) == len(expected) and any(np.any(np.asarray(y)) for y in expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
