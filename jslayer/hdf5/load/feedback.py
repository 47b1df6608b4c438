"""From layers with feedback to blocks: recurrent ones, and k winners take all."""

import math

import jax.numpy as jnp
import numpy as np

from jslayer.hdf5.load.neuron import loaded_neuron, scale_of
from jslayer.hdf5.load.options import Options
from jslayer.hdf5.load.parts import (
    HOMES,
    Found,
    delay_line,
    hook,
    nested,
    no_delay,
    shared_options,
    synapse_params,
)
from jslayer.hdf5.records import Layer


def feedback(layer: Layer, options: Options, is_last: bool) -> Found:
    """The block of a dense layer with feedback."""
    del is_last
    if layer.neuron is None:
        raise options.fault(layer, "neuron", "is missing", "one, in a layer with feedback")
    winners = layer.attributes.get("block") == "KWTA"
    if not winners and layer.bias is not None and layer.bias.any():
        raise options.fault(layer, "bias", "is not 0", "none, in a layer with feedback")
    outputs, inputs = layer.weight.shape
    home, loaded = HOMES[layer.neuron.type], loaded_neuron(layer, options)
    loaded.arguments.pop("norm", None)
    loaded.variables.pop("batch_stats", None)
    variables = {**nested(loaded), "shape": layer.shape}
    params = variables.setdefault("params", {})
    more = {
        "in_neurons": inputs,
        "out_neurons": outputs,
        "weight_norm": options.weight_norm,
        **hook(layer, options),
    }
    place = "synapse" if winners else "input_synapse"
    params[place] = synapse_params(layer, options, "weight", (outputs, inputs))
    if winners:
        no_delay(layer, options, "KWTA")
        more |= shared_options(layer, options, default=home.KWTA.delay_shift)
        return _winners(layer, options, home, loaded, more, variables)
    params["recurrent_synapse"] = synapse_params(layer, options, "weight_rec", (outputs, outputs))
    more |= shared_options(layer, options, default=home.Recurrent.delay_shift)
    more |= delay_line(layer, options, variables)
    return home.Recurrent(loaded.arguments, **more), variables


def _winners(layer, options, home, loaded, more, variables):
    """K winners take all, where its attributes give the weights and the bias of the file."""
    said = {n: layer.attributes.get(n) for n in ("num_winners", "self_excitation", "drive_bias")}
    numbers = all(isinstance(v, int | float) and math.isfinite(v) for v in said.values())
    count = said["num_winners"]
    if not numbers or not isinstance(count, int) or not 1 <= count <= more["out_neurons"]:
        raise options.fault(layer, "", f"has the attributes {said}", "those of k winners take all")
    excitation = jnp.float32(said["self_excitation"])
    block = home.KWTA(
        loaded.arguments, num_winners=count, self_excitation=float(excitation), **more
    )
    bias = said["drive_bias"] / scale_of(layer)
    if float(block.bias_in_use(excitation)) != bias:
        block = block.clone(bias=bias)  # the one that the block works out by itself is another
    found = np.asarray(block.feedback(excitation)) * scale_of(layer)
    if not all(
        np.array_equal(np.round(found), weight)
        for name, weight in layer.weights.items()
        if name.startswith("weight_rec")
    ):
        came = "is not the feedback of k winners take all, as its attributes say"
        raise options.fault(layer, "weight_rec", came, "weights of 0 and -1 and self-excitation")
    variables["params"]["self_excitation"] = excitation
    return block, variables
