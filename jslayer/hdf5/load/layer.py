"""From a layer of the file to a block and its variables."""

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import block as blocks
from jslayer.block.base import Block
from jslayer.hdf5 import shapes
from jslayer.hdf5.limits import HIGHEST, LOWEST
from jslayer.hdf5.load.dense import dense
from jslayer.hdf5.load.feedback import feedback
from jslayer.hdf5.load.neuron import loaded_neuron, scale_of
from jslayer.hdf5.load.options import Options
from jslayer.hdf5.load.parts import (
    HOMES,
    Found,
    Variables,
    delay_line,
    hook,
    nested,
    output_neuron,
    shared_options,
    synapse_params,
)
from jslayer.hdf5.records import Layer


def loaded_block(layer: Layer, options: Options, *, is_last: bool) -> Found:
    """The block of a layer.

    Args:
      layer: The layer.
      options: The caller's.
      is_last: It is the last one.

    Returns:
      The block and its own variables.

    Raises:
      NetworkFileError: no block is what the file says.
    """
    block, variables = KINDS[layer.type](layer, options, is_last)
    block = _masked(block, variables, layer, options)
    shape = variables.pop("shape", None)
    if shape is not None:
        constants = variables.setdefault("constants", {})
        constants["shape"] = jnp.array(shape, jnp.int32)
    return block, {name: tree for name, tree in variables.items() if tree}


def _masked(block: Block, variables: Variables, layer: Layer, options: Options) -> Block:
    """The block with the connections that the file says."""
    masks = {"mask": layer.mask, "recurrent_mask": layer.mask_rec}
    masks = {name: mask for name, mask in masks.items() if mask is not None}
    if not masks:
        return block
    if missing := [name for name in masks if not hasattr(block, name)]:
        came = f"has a mask, in a layer of type {layer.type}"
        raise options.fault(layer, missing[0], came, "that in dense and conv layers")
    # of images that are not flattened the weight here has more axes than in the file
    params = variables["params"]
    home = "input_synapse" if "input_synapse" in params else "synapse"
    shape = jax.tree.leaves(params[home])[-1].shape
    if "mask" in masks:
        masks["mask"] = masks["mask"].reshape(shape)
    return block.clone(**masks)


def _input(layer: Layer, options: Options, is_last: bool) -> Found:
    del is_last
    if layer.neuron is None:
        if layer.input_weight not in (None, 64) or layer.input_bias:
            warnings.warn(
                f"{options.file}: {layer.place}: weight and bias of an input without neuron are "
                "left out; scale the data instead.",
                stacklevel=4,
            )
        more = shared_options(layer, options, default=True)
        block = blocks.cuba.Input(None, persistent_state=options.persistent_state, **more)
        return block, {"shape": layer.stored_shape}
    home, loaded, scale = HOMES[layer.neuron.type], loaded_neuron(layer, options), scale_of(layer)
    given = {"weight": layer.input_weight, "bias": layer.input_bias or None}
    params = {}
    for name, value in given.items():
        if value is not None:
            if value % 2 or not LOWEST <= value <= HIGHEST:
                came = f"is {value}"
                raise options.fault(
                    layer, name, came, f"an even number in [{LOWEST}, {HIGHEST}], as Input has"
                )
            params[name] = jnp.float32(value / scale)
    variables = nested(loaded)
    variables.setdefault("params", {}).update(params)
    more = shared_options(layer, options, default=home.Input.delay_shift)
    more |= {name: float(value) for name, value in params.items()}
    # whole shapes of images only: a vector may have been written as [N, 1, 1]
    return home.Input(loaded.arguments, **more), {**variables, "shape": layer.stored_shape}


def _flatten(layer: Layer, options: Options, is_last: bool) -> Found:
    del is_last
    return blocks.cuba.Flatten(**shared_options(layer, options)), {"shape": layer.shape}


def _average(layer: Layer, options: Options, is_last: bool) -> Found:
    del is_last
    more = shared_options(layer, options)
    return blocks.cuba.Average(layer.shape[0], **more), {"shape": layer.shape}


def _pooled(layer: Layer, options: Options) -> dict[str, Any]:
    """A pool's weight: a constant, or where it is not the same everywhere learned parameters."""
    values = {int(v) for weight in layer.weights.values() for v in np.unique(weight)}
    if len(values) > 1 or options.weight_norm:
        return {"weight_norm": True}
    return {"weight_scale": values.pop() / scale_of(layer)}


def _image(layer: Layer, options: Options, is_last: bool) -> Found:
    del is_last
    if layer.neuron is None:
        raise options.fault(layer, "neuron", "is missing", "one, in a layer of images")
    said = layer.attributes.get("block")
    if layer.type == "conv" and (layer.neuron.sigma_output or said == "ConvOutput"):
        return _image_output(layer, options)
    if layer.neuron.sigma_output or said is not None:
        came = f"is an output, in a layer of type {layer.type}"
        raise options.fault(layer, "neuron/sigma_output", came, "that in dense and conv layers")
    home, loaded = HOMES[layer.neuron.type], loaded_neuron(layer, options)
    name = {"conv": "Conv", "convT": "ConvT", "pool": "Pool", "unpool": "Unpool"}[layer.type]
    kind = getattr(home, name)
    variables = {**nested(loaded), "shape": layer.shape}
    more: dict[str, Any] = {
        **_window(layer),
        **hook(layer, options),
        **shared_options(layer, options, default=kind.delay_shift),
    }
    if layer.type in ("conv", "convT"):
        more |= _channels(layer, options)
    else:
        if layer.bias is not None and layer.bias.any():
            raise options.fault(layer, "bias", "is not 0", "none, as pools have no norm")
        loaded.arguments.pop("norm", None)
        variables.pop("batch_stats", None)
        more |= _pooled(layer, options)
    if "weight_scale" not in more:
        params = variables.setdefault("params", {})
        given = dataclasses.replace(options, weight_norm=more["weight_norm"])
        params["synapse"] = synapse_params(layer, given, "weight", layer.weight.shape)
    more |= delay_line(layer, options, variables)
    return kind(loaded.arguments, **more), variables


def _image_output(layer: Layer, options: Options) -> Found:
    """A convolution that only adds up, or gives a voltage."""
    loaded = output_neuron(layer, options, "ConvOutput")
    variables = {**nested(loaded), "shape": layer.shape}
    params = variables.setdefault("params", {})
    params["synapse"] = synapse_params(layer, options, "weight", layer.weight.shape)
    more: dict[str, Any] = {}
    bias = layer.attributes.get("output_bias")
    if bias is not None:
        if not isinstance(bias, np.ndarray) or bias.shape != layer.shape[:1]:
            came = f"has the attribute output_bias {bias!r:.80}"
            raise options.fault(layer, "", came, f"{layer.shape[0]} numbers")
        params["output_bias"] = jnp.asarray(bias, jnp.float32)
        more["output_bias"] = tuple(float(number) for number in bias)
    more |= _window(layer) | _channels(layer, options) | shared_options(layer, options)
    return HOMES[layer.neuron.type].ConvOutput(loaded.arguments, **more), variables


def _window(layer: Layer) -> dict[str, Any]:
    """Where the kernel goes."""
    names = {"kernel_size": "kernel"} | {n: n for n in ("stride", "padding", "dilation")}
    return {argument: getattr(layer, field) for argument, field in names.items()}


def _channels(layer: Layer, options: Options) -> dict[str, Any]:
    """What convolutions have and pools have not."""
    return {
        "in_features": shapes.input_channels(layer),
        "out_features": layer.shape[0],
        "groups": layer.groups,
        "weight_norm": options.weight_norm,
    }


KINDS: dict[str, Callable[[Layer, Options, bool], Found]] = {
    "input": _input,
    "flatten": _flatten,
    "average": _average,
    "dense": dense,
    "dense_rec": feedback,
    "conv": _image,
    "convT": _image,
    "pool": _image,
    "unpool": _image,
}
"""How each type of layer becomes a block."""
