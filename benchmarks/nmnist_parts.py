"""Parts of the N-MNIST training step, each by itself: where its time goes."""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks import timing
from jslayer.axon import Delay
from jslayer.neuron import Dropout, cuba
from jslayer.ops import layout
from jslayer.ops.shift import step_delay
from jslayer.synapse.base import weight_in_use

_product = functools.partial(lax.dot_general, precision=lax.Precision.HIGHEST)


def _forward(x, weight):
    """``[T, N, in], [out, in] -> [T, N, out]``."""
    return _product(x, weight, (((2,), (1,)), ((), ())))


def _to_weight(z_bar, x):
    """``[T, N, out], [T, N, in] -> [out, in]``."""
    return _product(z_bar, x, (((0, 1), (0, 1)), ((), ())))


def _to_input(z_bar, weight):
    """``[T, N, out], [out, in] -> [T, N, in]``."""
    return _product(z_bar, weight, (((2,), (0,)), ((), ())))


def _random(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape, np.float32))


def matmuls(sizes: Sequence[int], samples: int, steps: int) -> Callable[[], Any]:
    """A call that does the step's matrix products and nothing else, on time-first arrays.

    Forward and to the weight for every layer; to the input for all but the first, whose input is
    data.
    """
    x = [_random(k, steps, samples, size) for k, size in enumerate(sizes)]
    weights = [_random(0, after, before) for before, after in itertools.pairwise(sizes)]

    @jax.jit
    def products(x, weights):
        forward = [_forward(before, weight) for before, weight in zip(x[:-1], weights, strict=True)]
        to_weight = [_to_weight(bar, before) for before, bar in itertools.pairwise(x)]
        to_input = [_to_input(bar, w) for bar, w in zip(x[2:], weights[1:], strict=True)]
        return forward, to_weight, to_input

    return functools.partial(products, x, weights)


def cases(
    sizes: Sequence[int], x: jax.Array, neuron_params: Mapping[str, Any]
) -> list[timing.Case]:
    """One row per part, on ``x`` ``[N, C, T]`` and arrays of the first hidden layer's size.

    A row with "+ backward" holds its forward pass too.
    """
    first = jax.jit(layout.time_first)(x)
    steps, samples, inputs = first.shape
    weight = _random(0, sizes[1], inputs)
    z, z_bar = _random(1, steps, samples, sizes[1]), _random(2, steps, samples, sizes[1])
    spikes = (z > 2).astype(jnp.float32)
    neuron = cuba.Neuron(**neuron_params)
    stored = {"weight_v": weight, "weight_g": jnp.ones((sizes[1], 1))}
    key = jax.random.key(0)

    def case(name, function, *args):
        return timing.Case(name, functools.partial(jax.jit(function), *args))

    def both_ways(name, function, params, y):
        backward = lambda params, y, bar: jax.vjp(function, params, y)[1](bar)
        return [
            case(f"{name} forward", function, params, y),
            case(f"{name} forward + backward", backward, params, y, z_bar),
        ]

    def module(name, module, y, **options):
        variables = module.init(key, y, method="time_first")
        run = lambda v, y: module.apply(v, y, method="time_first", rngs={"dropout": key}, **options)
        return both_ways(name, run, variables, y)

    in_use = lambda stored: weight_in_use(stored, neuron.quantize_8bit, None)
    outer_forward = lambda x, w: _forward(layout.time_first(x), w)
    outer_to_weight = lambda bar, x: _to_weight(bar, layout.time_first(x))
    return [
        case("layer 1 matmul forward, time first", _forward, first, weight),
        case("layer 1 matmul forward, from [N, C, T]", outer_forward, x, weight),
        case("layer 1 matmul to weight, time first", _to_weight, z_bar, first),
        case("layer 1 matmul to weight, from [N, C, T]", outer_to_weight, z_bar, x),
        case("input [N, C, T] to time first", layout.time_first, x),
        *module("neuron", neuron, z),
        *module("dropout", Dropout(0.05), z, train=True),
        *module("learnable delay", Delay(max_delay=62), spikes),
        case("one step of delay", lambda y: step_delay(y)[0], spikes),
        case("event rate", lambda y: jnp.mean(y != 0, dtype=jnp.float32), spikes),
        case(
            "layer 1 weight norm and quantiser forward + backward",
            lambda stored, bar: jax.vjp(in_use, stored)[1](bar),
            stored,
            weight,
        ),
    ]
