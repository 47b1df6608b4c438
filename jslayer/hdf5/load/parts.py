"""What the blocks of a file have in common: weights, hook, delay, shift."""

import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np

from jslayer import block as blocks
from jslayer.block.base import MAX_DELAY, Block
from jslayer.hdf5.limits import HIGHEST, LOWEST
from jslayer.hdf5.load.neuron import Loaded, loaded_neuron, scale_of
from jslayer.hdf5.load.options import Options
from jslayer.hdf5.records import Layer
from jslayer.synapse.weight import length

Variables = dict[str, dict[str, Any]]
Found = tuple[Block, Variables]

HOMES = {
    "CUBA": blocks.cuba,
    "ALIF": blocks.alif,
    "RF_PHASE": blocks.rf,
    "RF_IZHIKEVICH": blocks.rf_iz,
    "ADRF_PHASE": blocks.adrf,
    "ADRF_IZHIKEVICH": blocks.adrf_iz,
    "SDNN": blocks.sigma_delta,
}
"""Blocks of each type of neuron."""


def nested(loaded: Loaded) -> Variables:
    """A neuron's variables as a block has them."""
    return {collection: {"neuron": tree} for collection, tree in loaded.variables.items()}


def shared_options(layer: Layer, options: Options, default: bool | None = None) -> dict[str, Any]:
    """The shift and the count."""
    found: dict[str, Any] = {"count_log": options.count_log}
    if default is not None:
        held = layer.attributes.get("delay_shift", default)
        if not isinstance(held, bool):
            came = f"has the attribute delay_shift {held!r}"
            raise options.fault(layer, "", came, "true or false")
        found["delay_shift"] = held if options.delay_shift is None else options.delay_shift
    return found


def synapse_params(
    layer: Layer, options: Options, name: str, shape: tuple[int, ...]
) -> dict[str, Any]:
    """The parameters of a synapse that give the weights of the file."""
    scale = scale_of(layer)

    def stored(value: np.ndarray) -> dict[str, Any]:
        weight = jnp.asarray(value.reshape(shape) / scale, jnp.float32)
        if not options.weight_norm:
            return {"weight": weight}
        return {"weight_v": weight, "weight_g": length(weight)}

    parts = [value for key, value in layer.weights.items() if key.split("/")[0] == name]
    if len(parts) == 1:
        return stored(parts[0])
    return {"real": stored(parts[0]), "imag": stored(parts[1])}


def hook(layer: Layer, options: Options) -> dict[str, Any]:
    """No quantiser where it would change a weight of the file."""
    off = [
        name
        for name, weight in layer.weights.items()
        if (weight & 1).any() or weight.min() < LOWEST or weight.max() > HIGHEST
    ]
    if not off:
        return {}
    warnings.warn(
        f"{options.file}: {layer.place}: {', '.join(off)} holds odd numbers, or some beyond "
        f"[{LOWEST}, {HIGHEST}], which hardware does not keep; the block has no quantiser, so "
        "that the numbers stay.",
        stacklevel=5,
    )
    return {"pre_hook_fx": None}


def output_neuron(layer: Layer, options: Options, kind: str) -> Loaded:
    """The neuron of a read-out block, ``Output`` or ``ConvOutput``, which always quantises."""
    no_delay(layer, options, kind)
    if layer.neuron.sigma_output and layer.bias is not None and layer.bias.any():
        raise options.fault(layer, "bias", "is not 0", "none, for an output that only adds up")
    if hook(layer, options):
        came = f"leaves the even numbers in [{LOWEST}, {HIGHEST}]"
        raise options.fault(layer, "weight", came, f"what the {kind} block's quantiser keeps")
    return loaded_neuron(layer, options, readout=True)


def delay_line(layer: Layer, options: Options, variables: Variables) -> dict[str, Any]:
    """A learnable delay with the file's steps, per output, or of dense layers per input."""
    if layer.delay is None:
        return {}
    of_inputs = layer.delay.ndim == 1 and layer.delay.size != layer.shape[0]
    channels = layer.delay.size if of_inputs else layer.shape[0]
    if (layer.delay > MAX_DELAY).any():
        warnings.warn(
            f"{options.file}: {layer.place}: delays above {MAX_DELAY} are cut to it, as by "
            "hardware.",
            stacklevel=5,
        )
    delay = np.minimum(np.broadcast_to(layer.delay, (channels,)), MAX_DELAY)
    line = {"delay": jnp.asarray(delay, jnp.float32)}
    variables.setdefault("params", {})["delay_line"] = line
    return {"delay": "inputs" if of_inputs else True}


def no_delay(layer: Layer, options: Options, kind: str) -> None:
    """Refuses the delays of a layer whose block has none."""
    if layer.delay is not None and layer.delay.any():
        raise options.fault(layer, "delay", "is not 0", f"none, in a block {kind}")
