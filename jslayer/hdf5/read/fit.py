"""Whether each layer fits the one before it."""

import dataclasses
import math

from jslayer.hdf5 import shapes
from jslayer.hdf5.read.group import Group
from jslayer.hdf5.read.neuron import EXPORT
from jslayer.hdf5.records import Layer


def fitted(layer: Layer, before: list[Layer], group: Group) -> Layer:
    """The layer behind those before it: checks that they fit."""
    if layer.type == "input":
        if before:
            raise group.fault("type", "is 'input'", "that only at layer/0", EXPORT)
        return layer
    given: shapes.Shape | None = before[-1].shape if before else layer.input_shape
    if layer.type == "concat":
        return dataclasses.replace(layer, shape=_joined(layer, before, group), input_shape=given)
    if (
        layer.type in ("dense", "dense_rec")
        and before
        and math.prod(given) != layer.weight.shape[1]
    ):
        came = f"takes {layer.weight.shape[1]} inputs, of shape {layer.weight.shape}"
        expected = f"{math.prod(given)}, for the output {list(given)} of layer/{before[-1].number}"
        raise group.fault("weight", came, expected, EXPORT)
    if layer.kernel is not None:
        _check_images(layer, given, before, group)
    if layer.type == "average" and before and math.prod(given) % layer.shape[0]:
        came = f"is {list(layer.stored_shape)}"
        raise group.fault("shape", came, f"a divisor of the {math.prod(given)} inputs", EXPORT)
    made = shapes.output_shape(layer, given)
    if made is not None and (min(n or 1 for n in made) < 1 or not shapes.agree(made, layer.shape)):
        came = f"is {list(layer.stored_shape)}"
        source_of = f"layer/{before[-1].number} with {list(given)}" if before else "its kernel"
        raise group.fault("shape", came, f"{list(made)}, which {source_of} gives", EXPORT)
    return dataclasses.replace(layer, input_shape=given if before else layer.input_shape)


def _check_images(layer: Layer, given: shapes.Shape, before: list[Layer], group: Group) -> None:
    if not before:
        return
    if len(given) != 3:
        came = f"stands behind layer/{before[-1].number} of shape {list(given)}"
        raise group.fault("", came, "images [C, H, W]", EXPORT)
    if layer.type in ("conv", "convT") and shapes.input_channels(layer) != given[0]:
        came = f"takes {shapes.input_channels(layer)} channels, of shape {layer.weight.shape}"
        expected = f"{given[0]}, for the output {list(given)} of layer/{before[-1].number}"
        raise group.fault("weight", came, expected, EXPORT)


def _joined(layer: Layer, before: list[Layer], group: Group) -> tuple[int, ...]:
    """Shape of what a concat joins; vectors may be stored as ``[N, 1, 1]``."""
    parts = [before[number].shape for number in layer.sources]
    if len({part[1:] for part in parts}) > 1:
        raise group.fault("layers", f"joins shapes {parts}", "equal heights and widths", EXPORT)
    made = (sum(part[0] for part in parts), *parts[0][1:])
    if layer.shape not in (made, (*made, 1, 1)):
        raise group.fault("shape", f"is {list(layer.stored_shape)}", f"{list(made)}", EXPORT)
    return made
