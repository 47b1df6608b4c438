"""From a block and its variables to the datasets of its layer, by kind of block."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from jslayer.block import base, plain
from jslayer.block import layers as kinds
from jslayer.hdf5.neuron import GRADED, neuron_datasets, norm_datasets
from jslayer.hdf5.numbers import check_finite, check_shape, int64, lookup, whole_even
from jslayer.synapse import Dense
from jslayer.synapse.base import weight_in_use

READOUT_THRESHOLD = 2**18 - 1
"""Threshold mantissa of a read-out, which no voltage exceeds."""

ALL_ZERO = (
    "all weights are zero, on which inference tools fail; train further, or start from "
    "larger weights (`weight_scale`)."
)

LOWEST_POWER = (
    "no weight is positive and the lowest is a negative power of two, which inference tools read "
    "as 1 or 2 more; change one weight."
)


@dataclasses.dataclass
class Layer:
    """What the file holds of one block.

    Attributes:
      datasets: Arrays and strings by path.
      attributes: Numbers that only we read.
      notes: What to warn about.
    """

    datasets: dict[str, Any]
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)


def layer_of(block: base.Block, variables: Mapping[str, Any]) -> Layer:
    """The layer of a block.

    Args:
      block: The block.
      variables: The block's own collections.

    Returns:
      Its datasets, attributes and warnings.

    Raises:
      TypeError: the format has no layer for such a block.
      ValueError: ``variables`` do not fit, or the file cannot hold a number.
    """
    for kind, layer in KINDS.items():
        if isinstance(block, kind):
            check_finite(variables)
            return layer(block, variables)
    known = ", ".join(kind.__name__ for kind in KINDS)
    raise TypeError(
        f"`block` is a {type(block).__name__}, expected one of {known}, which the network file "
        "knows; leave it out, or build the network of these."
    )


def _head(kind: str, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"type": np.array([kind], "S10"), "shape": int64(shape)}


def _input(block, variables):
    shape = tuple(int(size) for size in lookup(variables, "constants/shape"))
    layer = Layer(_head("input", shape))
    if block.neuron_params is None:
        return layer
    neuron = block.new_neuron()
    if neuron.norm is not None:
        raise ValueError(
            "`norm` of an input neuron has no place in the network file, expected none; "
            "train the Input block without a norm."
        )
    for name in ("weight", "bias"):
        if getattr(block, name) is not None:
            value = lookup(variables, f"params/{name}")
            check_shape(f"params/{name}", value, ())
            number = neuron.quantize_8bit(jax.numpy.asarray(value))
            layer.datasets[name] = whole_even(name, number, neuron.w_scale).reshape(1)
    layer.datasets |= neuron_datasets(neuron, variables, shape[0])
    layer.attributes["w_scale"] = neuron.w_scale
    layer.notes += [GRADED] if layer.datasets.get("neuron/gradedSpike") else []
    return layer


def _flatten(block, variables):
    del block
    (size,) = (int(size) for size in lookup(variables, "constants/shape"))
    return Layer(_head("flatten", (size, 1, 1)))


def _synapse(block, variables):
    """What Dense and Affine share: the weight and the sizes."""
    weight, shape = _weight(block, variables)
    outputs = (block.out_neurons, 1, 1) if len(shape) == 3 else (block.out_neurons,)
    layer = Layer(_head("dense", outputs))
    layer.datasets |= {
        "inFeatures": int64(math.prod(shape)),
        "outFeatures": int64(block.out_neurons),
        "weight": weight,
    }
    layer.attributes["w_scale"] = block.new_neuron().w_scale
    if not weight.any():
        layer.notes.append(ALL_ZERO)
    elif weight.max() <= 0 and math.log2(-weight.min()).is_integer():
        layer.notes.append(LOWEST_POWER)
    return layer


def _weight(block, variables):
    """The weight in use ``[out, C*H*W]`` in integers, C slowest, and the shape of one input."""
    shape = Dense(block.in_neurons, block.out_neurons, parent=None).input_shape
    names = ("weight_v", "weight_g") if block.weight_norm else ("weight",)
    stored = {n: jax.numpy.asarray(lookup(variables, f"params/synapse/{n}")) for n in names}
    check_shape(f"params/synapse/{names[0]}", stored[names[0]], (block.out_neurons, *shape))
    if block.weight_norm:
        lengths = (block.out_neurons, *(1 for _ in shape))
        check_shape("params/synapse/weight_g", stored["weight_g"], lengths)
    used = weight_in_use(stored, block.weight_hook(), block.mask)
    weight = whole_even("weight", used, block.new_neuron().w_scale)
    return weight.reshape(block.out_neurons, -1), shape


def _dense(block, variables):
    layer = _synapse(block, variables)
    neuron, channels = block.new_neuron(), block.out_neurons
    layer.datasets |= neuron_datasets(neuron, variables, channels)
    found, notes = norm_datasets(neuron, variables, channels)
    layer.datasets |= found
    layer.notes += notes
    if block.delay:
        delay = np.asarray(lookup(variables, "params/delay_line/delay"), np.float32)
        check_shape("params/delay_line/delay", delay, (channels,))
        layer.datasets["delay"] = np.floor(np.clip(delay, 0, base.MAX_DELAY))
    layer.notes += [GRADED] if layer.datasets.get("neuron/gradedSpike") else []
    return layer


def _affine(block, variables):
    layer = _synapse(block, variables)
    if block.dynamics:
        neuron, channels = block.new_neuron(readout=True), block.out_neurons
        layer.datasets |= neuron_datasets(neuron, variables, channels)
        layer.datasets["neuron/vThMant"] = int64(READOUT_THRESHOLD)
        found, notes = norm_datasets(neuron, variables, channels)
        layer.datasets |= found
        layer.notes += notes
    return layer


KINDS: dict[type[base.Block], Callable[[Any, Mapping[str, Any]], Layer]] = {
    plain.Input: _input,
    plain.Flatten: _flatten,
    kinds.Dense: _dense,
    kinds.Affine: _affine,
}
"""How each kind of block becomes a layer."""
