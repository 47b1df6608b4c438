"""From dense layers of the file to blocks: with a neuron, as read-outs, or as sums alone."""

import math
from typing import Any

import numpy as np

from jslayer import block as blocks
from jslayer.hdf5.load.neuron import is_readout, loaded_neuron, scale_of
from jslayer.hdf5.load.options import Options
from jslayer.hdf5.load.parts import (
    HOMES,
    Found,
    Variables,
    delay_line,
    hook,
    nested,
    no_delay,
    output_neuron,
    shared_options,
    synapse_params,
)
from jslayer.hdf5.records import Layer


def dense(layer: Layer, options: Options, is_last: bool) -> Found:
    """The block of a dense layer."""
    inputs = _dense_inputs(layer, options)
    said = layer.attributes.get("block")
    if said not in (None, "Affine", "Output"):
        came = f"has the attribute block {said!r}"
        raise options.fault(layer, "", came, "Affine or Output in a dense layer, or none")
    more: dict[str, Any] = {
        "in_neurons": inputs,
        "out_neurons": layer.shape[0],
        "weight_norm": options.weight_norm,
    }
    out = (*layer.shape, 1, 1) if isinstance(inputs, tuple) else layer.shape
    params = {"synapse": synapse_params(layer, options, "weight", _matrix_shape(layer, inputs))}
    if layer.neuron is None:
        return _sums(layer, options, more, {"params": params, "shape": out})
    home = HOMES[layer.neuron.type]
    if layer.neuron.sigma_output or said == "Output":
        return _output(layer, options, more, {"params": params, "shape": out})
    open_ended = is_readout(layer) and layer.attributes.get("readout") is not True
    readout = said == "Affine" or (said is None and open_ended)
    if is_last and options.last != "file":
        readout = options.last == "readout"
    loaded = loaded_neuron(layer, options, readout=readout)
    variables = {**nested(loaded), "shape": out}
    variables.setdefault("params", {}).update(params)
    more |= hook(layer, options)
    if readout:
        no_delay(layer, options, "Affine")
        more |= shared_options(layer, options)
        return home.Affine(loaded.arguments, **more), variables
    more |= shared_options(layer, options, default=home.Dense.delay_shift)
    more |= delay_line(layer, options, variables)
    return home.Dense(loaded.arguments, **more), variables


def _dense_inputs(layer: Layer, options: Options) -> int | tuple[int, ...]:
    """Inputs: their number, or ``(W, H, C)`` of images that are not flattened."""
    size = layer.weight.shape[1]
    shape = layer.attributes.get("in_shape")
    if shape is None:
        before = layer.input_shape or (size,)
        shape = before if len(before) == 3 and math.prod(before[1:]) > 1 else (size,)
    elif not isinstance(shape, np.ndarray) or shape.dtype.kind not in "iu":
        raise options.fault(layer, "", f"has the attribute in_shape {shape!r}", "(C, H, W)")
    shape = tuple(int(n) for n in shape)
    if len(shape) not in (1, 3) or math.prod(shape) != size or min(shape) < 1:
        came = f"has the attribute in_shape {list(shape)}"
        raise options.fault(layer, "", came, f"(C, H, W) of {size} inputs")
    return shape[::-1] if len(shape) == 3 else size


def _matrix_shape(layer: Layer, inputs: int | tuple[int, ...]) -> tuple[int, ...]:
    behind = inputs[::-1] if isinstance(inputs, tuple) else (inputs,)
    return (layer.weight.shape[0], *behind)


def _sums(layer: Layer, options: Options, more: dict[str, Any], variables: Variables) -> Found:
    """A dense layer without neuron: weighted sums."""
    home, bare = blocks.cuba, {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": 1.0}
    if layer.weight_imag is not None:
        home, bare = blocks.rf, {"threshold": 1.0, "period": 10.0, "decay": 0.0}
    if layer.bias is not None and layer.bias.any():
        raise options.fault(layer, "bias", "is not 0", "none, without a neuron that adds it")
    no_delay(layer, options, "Affine")
    bare |= {"scale": scale_of(layer), "persistent_state": options.persistent_state}
    more |= shared_options(layer, options) | hook(layer, options)
    return home.Affine(bare, dynamics=False, **more), variables


def _output(layer: Layer, options: Options, more: dict[str, Any], variables: Variables) -> Found:
    """A read-out block, of sigma-delta the running sum."""
    loaded = output_neuron(layer, options, "Output")
    found = nested(loaded)
    found.setdefault("params", {}).update(variables["params"])
    more |= shared_options(layer, options)
    home = HOMES[layer.neuron.type]
    return home.Output(loaded.arguments, **more), {**found, "shape": variables["shape"]}
