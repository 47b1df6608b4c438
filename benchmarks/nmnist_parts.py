"""Parts of the N-MNIST training step, each by itself: where its time goes."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import floors, timing
from jslayer.axon import Delay
from jslayer.neuron import Dropout, cuba
from jslayer.ops import EventBatch, layout
from jslayer.ops.event_lists import lists_product
from jslayer.ops.shift import step_delay
from jslayer.synapse.base import weight_in_use


def cases(
    sizes: Sequence[int], x: jax.Array, neuron_params: Mapping[str, Any]
) -> list[timing.Case]:
    """One row per part, on ``x`` ``[N, C, T]`` and arrays of the first hidden layer's size.

    A row with "+ backward" holds its forward pass too.
    """
    first = jax.jit(layout.time_first)(x)
    steps, samples, inputs = first.shape
    weight = floors.random(0, sizes[1], inputs)
    z, z_bar = (
        floors.random(1, steps, samples, sizes[1]),
        floors.random(2, steps, samples, sizes[1]),
    )
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
        variables = jax.jit(functools.partial(module.init, method="time_first"))(key, y)
        run = lambda v, y: module.apply(v, y, method="time_first", rngs={"dropout": key}, **options)
        return both_ways(name, run, variables, y)

    in_use = lambda stored: weight_in_use(stored, neuron.quantize_8bit, None)
    outer_forward = lambda x, w: floors.forward(layout.time_first(x), w)
    outer_to_weight = lambda bar, x: floors.to_weight(bar, layout.time_first(x))
    lists = jax.device_put(EventBatch.from_dense(x)).lists
    lists_to_weight = lambda x, w, bar: jax.vjp(lambda w: lists_product(x, w), w)[1](bar)
    return [
        case("layer 1 matmul forward, time first", floors.forward, first, weight),
        case("layer 1 matmul forward, from [N, C, T]", outer_forward, x, weight),
        case("layer 1 matmul to weight, time first", floors.to_weight, z_bar, first),
        case("layer 1 matmul to weight, from [N, C, T]", outer_to_weight, z_bar, x),
        case("layer 1 sums from lists of events", lists_product, lists, weight),
        case("layer 1 to weight from lists of events", lists_to_weight, lists, weight, z_bar),
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
