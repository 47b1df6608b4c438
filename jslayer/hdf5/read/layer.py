"""Reading one layer by itself: its type, its sizes, its numbers."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jslayer.hdf5 import shapes
from jslayer.hdf5.limits import BIAS_RANGE, LONGEST
from jslayer.hdf5.read.group import Group
from jslayer.hdf5.read.neuron import EXPORT, read_neuron
from jslayer.hdf5.records import Layer

MOST_LAYERS = 4096
MOST_NEURONS = 2**28
"""More of them than these, in a file or in a layer, no computer runs."""

WEIGHT_RANGE = (-(2**15), 2**15)
SIZE_RANGE = (1, 2**28)
LONGEST_DELAY = 2**16
"""Numbers within these fit the arithmetic, whatever hardware then does with them."""


def read_layer(number: int, group: Group) -> Layer:
    """A layer by itself.

    Args:
      number: Its number.
      group: Its group.

    Returns:
      The record, before anything is known of its neighbours.

    Raises:
      NetworkFileError: something is missing, of another type or shape, or out of range.
    """
    kind = group.text("type")
    if kind not in KINDS:
        raise group.fault("type", f"is {kind!r}", f"one of {', '.join(KINDS)}", EXPORT)
    stored = _shape(group)
    layer = Layer(number, kind, stored, stored, attributes=group.attributes())
    _check_attributes(layer, group)
    return KINDS[kind](layer, group)


def _shape(group: Group) -> tuple[int, ...]:
    shape = group.whole("shape", *SIZE_RANGE)
    if shape.ndim > 1 or not 1 <= shape.size <= 3:
        raise group.fault("shape", f"has shape {shape.shape}", "1 to 3 sizes", EXPORT)
    sizes = tuple(int(size) for size in shape.reshape(-1))
    if math.prod(sizes) > MOST_NEURONS:
        came = f"is {sizes}, {math.prod(sizes)} neurons"
        raise group.fault("shape", came, f"at most {MOST_NEURONS}", EXPORT)
    # one number stands for all channels in the file, and for one of them in a network
    group.spend(4 * (sizes[0] if len(sizes) == 3 else math.prod(sizes)), "shape")
    return sizes


def _check_attributes(layer: Layer, group: Group) -> None:
    block = layer.attributes.get("block", "")
    if not isinstance(block, str):
        raise group.fault("", f"has the attribute block {block!r}", "a text", EXPORT)
    scale = layer.attributes.get("w_scale", 64)
    if not isinstance(scale, int) or not 1 <= scale <= 2**15:
        raise group.fault("", f"has the attribute w_scale {scale!r}", "a whole number", EXPORT)


def _vector(layer: Layer, group: Group) -> Layer:
    """A layer whose output has no height and width: ``[N]``, ``[N, 1, 1]`` or ``[1, 1, N]``."""
    return dataclasses.replace(layer, shape=(math.prod(layer.stored_shape),))


def _image(layer: Layer, group: Group) -> None:
    if len(layer.shape) != 3:
        raise group.fault("shape", f"is {list(layer.shape)}", "[C, H, W]", EXPORT)


def _input(layer: Layer, group: Group) -> Layer:
    if len(layer.shape) == 3 and layer.shape[1:] == (1, 1):
        layer = dataclasses.replace(layer, shape=layer.shape[:1])
    elif len(layer.shape) == 2:
        raise group.fault("shape", f"is {list(layer.shape)}", "[C, H, W] or [N]", EXPORT)
    given: dict[str, Any] = {}
    for name in ("weight", "bias"):
        if name in group:
            given[f"input_{name}"] = group.one(name, *BIAS_RANGE)
    neuron = read_neuron(group, layer.shape[0])
    return dataclasses.replace(layer, neuron=neuron, input_shape=layer.shape, **given)


def _concat(layer: Layer, group: Group) -> Layer:
    joined = group.whole("layers", 0, MOST_LAYERS).reshape(-1)
    if not joined.size or joined.size > MOST_LAYERS or (joined >= layer.number).any():
        came = f"is {joined[:8].tolist()}"
        raise group.fault("layers", came, f"numbers of layers before {layer.number}", EXPORT)
    if len(layer.shape) == 2:
        raise group.fault("shape", f"is {list(layer.shape)}", "[C, H, W] or [N]", EXPORT)
    previous = layer.attributes.get("previous", True)
    if not isinstance(previous, bool) or (previous and not layer.number):
        raise group.fault("", f"has the attribute previous {previous!r}", "true or false", EXPORT)
    held: tuple[int, ...] = ()
    if "delay" in group:
        steps = group.whole("delay", 0, LONGEST).reshape(-1)
        if steps.size != joined.size + previous:
            came = f"has {steps.size} numbers"
            raise group.fault("delay", came, f"{joined.size + previous}, one a source", EXPORT)
        held = tuple(int(number) for number in steps)
    joined = tuple(int(number) for number in joined)
    return dataclasses.replace(layer, joined=joined, previous=previous, held=held)


def _dense(layer: Layer, group: Group) -> Layer:
    layer = _vector(layer, group)
    (outputs,) = layer.shape
    _declared(group, "outFeatures", outputs, "the product of `shape`")
    parts = {
        name: _matrix(group, name, value, outputs) for name, value in _weights(group, "weight")
    }
    inputs = parts["weight"].shape[1]
    _declared(group, "inFeatures", inputs, "the second size of `weight`")
    if layer.type == "dense_rec":
        for name, value in _weights(group, "weight_rec"):
            parts[name] = _matrix(group, name, value, outputs)
            if parts[name].shape != (outputs, outputs):
                came = f"has shape {value.shape}"
                raise group.fault("weight_rec", came, f"{(outputs, outputs)}", EXPORT)
    neuron = read_neuron(group, outputs)
    layer = dataclasses.replace(
        layer, input_shape=(inputs,), neuron=neuron, bias=_bias(group, outputs), **parts
    )
    _check_parts(layer, group)
    masks = {name: _mask(group, layer, name) for name in ("mask", "mask_rec")}
    # a column of the feedback's weight is an output: delays of inputs would miss it
    sizes = {outputs, inputs} if layer.type == "dense" else {outputs}
    return dataclasses.replace(layer, **masks, delay=_delay(group, sizes))


def _matrix(group: Group, name: str, value: np.ndarray, outputs: int) -> np.ndarray:
    """A dense weight as ``[out, in]``; older files leave out an axis, or append some of size 1."""
    while value.ndim > 2 and value.shape[-1] == 1:
        value = value[..., 0]
    if value.ndim == 1 and value.size and value.size % outputs == 0:
        value = value.reshape(outputs, -1)
    if value.ndim != 2 or value.shape[0] != outputs or not value.size:
        raise group.fault(
            name.replace("_imag", "/imag"), f"has shape {value.shape}", f"({outputs}, in)", EXPORT
        )
    return value


def _weights(group: Group, name: str) -> list[tuple[str, np.ndarray]]:
    """A weight, or its real and imaginary part, by the names of the record's fields."""
    if not group.is_group(name):
        return [(name, _kernel(group, name))]
    parts = group.group(name)
    real, imag = _kernel(parts, "real"), _kernel(parts, "imag")
    if real.shape != imag.shape:
        raise parts.fault("imag", f"has shape {imag.shape}", f"{real.shape}, as real", EXPORT)
    return [(name, real), (f"{name}_imag", imag)]


def _kernel(group: Group, name: str) -> np.ndarray:
    return group.whole(name, *WEIGHT_RANGE, np.int32)


def _declared(group: Group, name: str, size: int, meaning: str) -> None:
    """Checks a size that the file need not say twice."""
    if name in group:
        said = group.one(name, *SIZE_RANGE)
        if said != size:
            raise group.fault(name, f"is {said}", f"{size}, {meaning}", EXPORT)


def _convolution(layer: Layer, group: Group) -> Layer:
    """Of conv, convT, pool and unpool: kernel, geometry, neuron, bias, delay."""
    _image(layer, group)
    parts = {}
    for name, value in _weights(group, "weight"):
        if value.ndim == 5 and value.shape[-1] == 1:
            value = value[..., 0]
        if value.ndim != 4 or not value.size:
            came, expected = f"has shape {value.shape}", "(channels, channels, kh, kw)"
            raise group.fault(name.replace("_imag", "/imag"), came, expected, EXPORT)
        parts[name] = value
    kernel = parts["weight"].shape[2:]
    if _pair(group, "kernelSize", 1) != kernel:
        came = f"is {_pair(group, 'kernelSize', 1)}"
        raise group.fault("kernelSize", came, f"{kernel}, the last two sizes of `weight`", EXPORT)
    layer = dataclasses.replace(
        layer,
        kernel=kernel,
        stride=_pair(group, "stride", 1),
        padding=_pair(group, "padding", 0),
        dilation=_pair(group, "dilation", 1),
        groups=group.one("groups", *SIZE_RANGE) if layer.type in ("conv", "convT") else None,
        neuron=read_neuron(group, layer.shape[0]),
        bias=_bias(group, layer.shape[0]),
        delay=_delay(group, {layer.shape[0]}),
        **parts,
    )
    _check_channels(layer, group)
    _check_parts(layer, group)
    return dataclasses.replace(layer, mask=_mask(group, layer, "mask"))


def _check_channels(layer: Layer, group: Group) -> None:
    shape, channels = layer.weight.shape, layer.shape[0]
    if layer.type in ("pool", "unpool"):
        if shape[:2] != (1, 1):
            raise group.fault("weight", f"has shape {shape}", "(1, 1, kh, kw)", EXPORT)
        return
    inputs = shapes.input_channels(layer)
    outputs = shapes.output_shape(layer, None)[0]
    # whichever side is whole in the weight is cut by the groups
    if shape[0] % layer.groups:
        came = f"is {layer.groups}"
        raise group.fault("groups", came, f"a divisor of {shape[0]}, of `weight`", EXPORT)
    if outputs != channels:
        came = f"makes {outputs} channels, of shape {shape}"
        raise group.fault("weight", came, f"{channels} as in `shape`", EXPORT)
    _declared(group, "inChannels", inputs, "as in `weight` and `groups`")
    _declared(group, "outChannels", outputs, "as in `weight` and `groups`")


def _mask(group: Group, layer: Layer, name: str) -> np.ndarray | None:
    """Where a weight has connections; ``None`` where the file does not say."""
    if name not in group:
        return None
    home = name.replace("mask", "weight")
    parts = [weight for part, weight in layer.weights.items() if part.split("/")[0] == home]
    mask = group.whole(name, 0, 1, np.int32)
    if not parts or mask.shape != parts[0].shape:
        came, shape = f"has shape {mask.shape}", parts[0].shape if parts else "no such dataset"
        raise group.fault(name, came, f"{shape}, as `{home}`", EXPORT)
    if any(weight[mask == 0].any() for weight in parts):
        raise group.fault(name, f"is 0 where `{home}` is not", "weights of 0 there", "remove it")
    return mask


def _check_parts(layer: Layer, group: Group) -> None:
    """A complex neuron has complex weights, and the other way round."""
    parts = layer.weight_imag is not None
    if layer.type == "dense_rec" and parts != (layer.weight_rec_imag is not None):
        raise group.fault("weight_rec", "differs from `weight`", "both real or complex", EXPORT)
    if layer.neuron is not None and layer.neuron.is_complex != parts:
        came = "is complex" if parts else "is real"
        expected = f"the other, for a neuron of type {layer.neuron.type}"
        raise group.fault("weight", came, expected, EXPORT)


def _pair(group: Group, name: str, low: int) -> tuple[int, int]:
    value = group.whole(name, low, SIZE_RANGE[1]).reshape(-1)
    if value.size not in (1, 2):
        raise group.fault(name, f"has {value.size} numbers", "one or two", EXPORT)
    return int(value[0]), int(value[-1])


def _bias(group: Group, channels: int) -> np.ndarray | None:
    return _channelwise(group, "bias", {channels}, *BIAS_RANGE)


def _delay(group: Group, sizes: set[int]) -> np.ndarray | None:
    return _channelwise(group, "delay", sizes, 0, LONGEST_DELAY)


def _channelwise(group: Group, name: str, sizes: set[int], low: int, high: int):
    """Whole numbers, one or one per channel, int32; ``None`` where there are none."""
    if name not in group:
        return None
    value = group.whole(name, low, high, np.int32)
    if value.size == 1:
        return value.reshape(())
    if value.size not in sizes or max(value.shape, default=1) != value.size:
        expected = "one number, or " + " or ".join(str(size) for size in sorted(sizes))
        raise group.fault(name, f"has shape {value.shape}", expected, EXPORT)
    return value.reshape(-1)


KINDS: Mapping[str, Callable[[Layer, Group], Layer]] = {
    "input": _input,
    "flatten": _vector,
    "average": _vector,
    "concat": _concat,
    "dense": _dense,
    "dense_rec": _dense,
    "conv": _convolution,
    "convT": _convolution,
    "pool": _convolution,
    "unpool": _convolution,
}
"""How each type of layer is read."""
