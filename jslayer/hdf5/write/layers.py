"""From a block and its variables to the datasets of its layer, by kind of block."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from jslayer.block import base, recurrent, unweighted
from jslayer.block import layers as kinds
from jslayer.block.sequential import name_of
from jslayer.hdf5.write.content import Content, head
from jslayer.hdf5.write.delays import delays
from jslayer.hdf5.write.feedback import recurrent_weights, winner_bias, winner_weights
from jslayer.hdf5.write.neuron import neuron_content
from jslayer.hdf5.write.norms import norm_content, own_bias
from jslayer.hdf5.write.numbers import check_finite, check_shape, int64, lookup, whole_even
from jslayer.hdf5.write.weights import kernel_notes, mask_of, matrix_notes, weights_in_use
from jslayer.neuron.spiking import Spiking
from jslayer.synapse.window import Window

NO_SHIFT = (
    "delay_shift=False, where inference tools always take one step per synapse; train with "
    "delay_shift=True."
)
UNKNOWN = "inference tools know no {what}; `hdf5.inference` and `hdf5.load` do."
OUTPUT_BIAS = "the attribute output_bias is added by no tool: add it to what the layer sends."
SILENT = (
    "inference tools know no read-out of activations: theirs would send nothing; end the network "
    "with Output or ConvOutput, or run the file with `hdf5.inference`."
)
DELAYED_IMAGE = "inference tools ignore the delays of convolutions; train without delay."


def content_of(block: base.Block, variables: Mapping[str, Any]) -> Content:
    """What the file holds of a block.

    Args:
      block: The block.
      variables: The block's own collections.

    Returns:
      Its datasets, attributes and warnings.

    Raises:
      TypeError: the format has no layer for such a block.
      ValueError: ``variables`` do not fit, or the file cannot hold a number.
    """
    if isinstance(block, unweighted.TimeDecimation):
        raise TypeError(
            "`block` is a TimeDecimation, for which the network file has no type: readers would "
            "leave it out without a word; decimate the data, or end the network before it."
        )
    for kind, content in KINDS.items():
        if isinstance(block, kind):
            check_finite(variables)
            return content(block, variables)
    known = [kind.__name__ for kind in KINDS]
    name = name_of(block)
    if name in known:  # one that is called like ours
        name = f"{type(block).__module__}.{name}"
    came = f"a {name}" if isinstance(block, nn.Module) else f"the function {name}"
    raise TypeError(
        f"`block` is {came}, expected one of {', '.join(known)}, which the network file knows; "
        "leave it out, or build the network of these."
    )


def _shape(variables):
    return tuple(int(size) for size in lookup(variables, "constants/shape"))


def _shift(block, *, noted=True):
    """The shift, where it is not the one that the kind of neuron has."""
    fields = {field.name: field for field in dataclasses.fields(block)}
    if "delay_shift" not in fields or block.delay_shift == fields["delay_shift"].default:
        return Content()
    lost = noted and not block.delay_shift
    return Content(attributes={"delay_shift": block.delay_shift}, notes=[NO_SHIFT] if lost else [])


def _input(block, variables):
    shape = _shape(variables)
    found = head("input", shape)
    found.add(_shift(block, noted=False))
    if block.neuron_params is None:
        return found
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
            number = neuron.quantize_8bit(jnp.asarray(value))
            found.datasets[name] = whole_even(name, number, neuron.w_scale).reshape(1)
    spiking = isinstance(neuron, Spiking)  # others only encode, without their activation
    found.add(neuron_content(neuron, variables, shape[0], hidden=spiking))
    found.attributes["w_scale"] = neuron.w_scale
    return found


def _flatten(block, variables):
    del block
    (size,) = _shape(variables)
    return head("flatten", (size, 1, 1))


def _average(block, variables):
    del variables
    found = head("average", (int(block.num_outputs), 1, 1))
    found.notes.append(UNKNOWN.format(what="average"))
    return found


def _matrix(block, variables, kind="dense", place="synapse"):
    """What all dense layers share: the weight and the sizes."""
    synapse = block.new_synapse(parent=None)
    scale = block.new_neuron().w_scale
    outputs = int(block.out_neurons)
    found = head(kind, (outputs, 1, 1) if synapse.spatial else (outputs,))
    weights = weights_in_use(synapse, variables, place, scale)
    mask = mask_of(synapse, weights)
    weights = {f"weight{suffix}": w.reshape(outputs, -1) for suffix, w in weights.items()}
    found.datasets |= {
        "inFeatures": int64(next(iter(weights.values())).shape[1]),
        "outFeatures": int64(outputs),
        **weights,
    }
    if mask is not None:
        found.datasets["mask"] = mask.reshape(outputs, -1)
    found.attributes["w_scale"] = scale
    if synapse.spatial:
        found.attributes["in_shape"] = int64(synapse.input_shape)
    return found, weights


def _neuron(block, variables, channels, *, hidden=True, inputs=None):
    """Neuron, norm, bias, shift and delay of a layer."""
    neuron = block.layer_neuron()
    if getattr(neuron, "encoder", False):
        raise ValueError("`encoder` is True, expected False behind a synapse; use an Input block.")
    found = neuron_content(neuron, variables, channels, hidden=hidden)
    norm = norm_content(neuron, variables, channels)
    own_bias(neuron, variables, channels, norm)
    found.add(norm)
    if block.new_neuron().readout:
        found.attributes["readout"] = True
        if not isinstance(neuron, Spiking):
            found.notes.append(SILENT)
    found.add(_shift(block))
    if getattr(block, "delay", False):
        found.datasets["delay"] = delays(block, variables, channels, inputs)
    return found


def _dense(block, variables):
    found, weights = _matrix(block, variables)
    found.notes += matrix_notes(weights)
    inputs = int(found.datasets["inFeatures"])
    found.add(_neuron(block, variables, block.out_neurons, inputs=inputs))
    return found


def _affine(block, variables):
    found, weights = _matrix(block, variables)
    found.notes += matrix_notes(weights)
    found.attributes["block"] = "Affine"
    if block.dynamics:
        found.add(_neuron(block, variables, block.out_neurons, hidden=False))
    return found


def _output(block, variables):
    neuron = block.new_neuron()
    found, weights = _matrix(block, variables)
    found.notes += matrix_notes(weights)
    found.attributes["block"] = "Output"
    if isinstance(neuron, Spiking):
        found.add(_neuron(block, variables, block.out_neurons, hidden=False))
        return found
    found.add(_sum(neuron, block.out_neurons))
    return found


def _sum(neuron, channels):
    """A sigma-delta neuron that only adds up: what it does besides is not in use."""
    unused = {"norm": None, "bias": None, "cum_error": False, "requires_grad": False}
    bare = neuron.clone(**unused, shared_param=True, readout=False)
    found = neuron_content(bare, {}, channels, hidden=False)
    found.datasets["neuron/sigma_output"] = np.bool_(True)
    return found


def _image_output(block, variables):
    neuron, shape = block.new_neuron(), _shape(variables)
    found = _kernel(block, variables, "conv")
    found.attributes["block"] = "ConvOutput"
    if isinstance(neuron, Spiking):
        found.add(_neuron(block, variables, shape[0], hidden=False))
    else:
        found.add(_sum(neuron, shape[0]))
    if block.output_bias is not None:
        bias = np.asarray(lookup(variables, "params/output_bias"), np.float32)
        check_shape("params/output_bias", bias, (shape[0],))
        found.attributes["output_bias"] = bias
        if bias.any():
            found.notes.append(OUTPUT_BIAS)
    return found


def _feedback(block, variables):
    if block.new_neuron().norm is not None:
        raise ValueError(
            "`norm` is given, expected None in a block with feedback, which cannot run it; put "
            "the norm into the block in front."
        )
    winners = isinstance(block, recurrent.KWTA)
    place = "synapse" if winners else "input_synapse"
    found, weights = _matrix(block, variables, "dense_rec", place)
    scale = found.attributes["w_scale"]
    rec = (winner_weights if winners else recurrent_weights)(block, variables, scale)
    found.datasets |= rec
    mask = None if winners else mask_of(block.feedback_synapse(parent=None), rec)
    if mask is not None:
        found.datasets["mask_rec"] = mask
    found.notes += matrix_notes(weights | rec)
    found.add(_neuron(block, variables, block.out_neurons))
    if winners:
        found.add(winner_bias(block, variables, found.datasets))
    return found


def _image(block, variables, kind):
    """Convolutions, pools and their transposes."""
    found = _kernel(block, variables, kind)
    found.add(_neuron(block, variables, _shape(variables)[0]))
    if kind == "conv" and "delay" in found.datasets and found.datasets["delay"].any():
        found.notes.append(DELAYED_IMAGE)
    return found


def _kernel(block, variables, kind):
    """The synapse of a layer of images."""
    synapse, scale = block.new_synapse(parent=None), block.new_neuron().w_scale
    shape, window = _shape(variables), Window.of(synapse)
    found = head(kind, shape)
    weights = weights_in_use(synapse, variables, "synapse", scale)
    found.datasets |= {f"weight{suffix}": weight for suffix, weight in weights.items()}
    mask = mask_of(synapse, weights)
    if mask is not None:
        found.datasets["mask"] = mask
    found.datasets |= {
        "kernelSize": int64(window.kernel),
        "stride": int64(window.stride),
        "padding": int64(window.padding),
        "dilation": int64(window.dilation),
    }
    if kind in ("conv", "convT"):
        weight = next(iter(weights.values()))
        found.datasets |= {
            "inChannels": int64(synapse.channels_of(weight.shape)),
            "outChannels": int64(synapse.out_features),
            "groups": int64(synapse.groups),
        }
        if shape[0] != synapse.out_features:
            raise ValueError(
                f"`constants/shape` is {shape}, expected {synapse.out_features} channels; pass "
                "the variables of the same network."
            )
    found.attributes["w_scale"] = scale
    found.notes += kernel_notes(weights)
    if kind != "conv" or len(weights) == 2:
        what = {"conv": "complex conv"}.get(kind, kind)
        found.notes.append(UNKNOWN.format(what=what))
    return found


KINDS: dict[type[base.Block], Callable[[Any, Mapping[str, Any]], Content]] = {
    unweighted.Input: _input,
    unweighted.Flatten: _flatten,
    unweighted.Average: _average,
    kinds.Dense: _dense,
    kinds.Affine: _affine,
    kinds.Output: _output,
    kinds.ConvOutput: _image_output,
    kinds.ConvT: lambda block, variables: _image(block, variables, "convT"),
    kinds.Conv: lambda block, variables: _image(block, variables, "conv"),
    kinds.Unpool: lambda block, variables: _image(block, variables, "unpool"),
    kinds.Pool: lambda block, variables: _image(block, variables, "pool"),
    recurrent.Recurrent: _feedback,
    recurrent.KWTA: _feedback,
}
"""How each kind of block becomes a layer; the first that a block is an instance of."""
