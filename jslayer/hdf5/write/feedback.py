"""Blocks with feedback as layers: recurrent ones, and k winners take all."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jslayer.block import recurrent
from jslayer.hdf5.limits import BIAS_RANGE
from jslayer.hdf5.write.content import Content
from jslayer.hdf5.write.norms import DRIVE_BIAS
from jslayer.hdf5.write.numbers import check_shape, lookup, whole_bias, whole_even
from jslayer.hdf5.write.weights import weights_in_use
from jslayer.ops.fixed_point import DECAY_SCALE

STEADY = (
    "the bias of k winners take all acts on the neurons' input, and the file's on their voltage: "
    "written is what it comes to in the long run, bias / current_decay, so that the first steps "
    "of inference tools differ; `hdf5.load` restores the very bias."
)


def recurrent_weights(
    block: recurrent.Recurrent, variables: Mapping[str, Any], scale: int
) -> dict[str, np.ndarray]:
    """``weight_rec`` of a recurrent block, or its two parts, by name of the dataset."""
    synapse = block.feedback_synapse(parent=None)
    found = weights_in_use(synapse, variables, "recurrent_synapse", scale)
    return {f"weight_rec{suffix}": weight for suffix, weight in found.items()}


def winner_weights(
    block: recurrent.KWTA, variables: Mapping[str, Any], scale: int
) -> dict[str, np.ndarray]:
    """``weight_rec`` of k winners take all; both parts of a complex one are equal."""
    weight = whole_even("weight_rec", block.feedback(_excitation(variables)), scale)
    if block.new_neuron().complex_input:
        return {"weight_rec/real": weight, "weight_rec/imag": weight}
    return {"weight_rec": weight}


def _excitation(variables: Mapping[str, Any]) -> Any:
    excitation = jnp.asarray(lookup(variables, "params/self_excitation"))
    check_shape("params/self_excitation", excitation, ())
    return excitation


def winner_bias(
    block: recurrent.KWTA, variables: Mapping[str, Any], neuron: Mapping[str, Any]
) -> Content:
    """The constant bias of k winners take all, and the attributes that make one again.

    Args:
      block: The block.
      variables: Its collections.
      neuron: Datasets of its neuron.

    Returns:
      ``bias``, where it is not zero; attributes; warnings.

    Raises:
      ValueError: a bias that is not zero has no meaning for this neuron.
    """
    excitation = _excitation(variables)
    unit, scale = block.new_neuron(), block.new_neuron().w_scale
    drive = float(whole_bias("bias", block.bias_in_use(excitation), scale))
    found = Content(
        attributes={
            "block": "KWTA",
            "num_winners": int(block.num_winners),
            "self_excitation": np.float32(excitation),
            "drive_bias": drive,
        }
    )
    if not drive:
        return found
    kind = neuron["neuron/type"]
    everywhere = np.full(block.out_neurons, drive)
    if kind == "ALIF":
        found.datasets["bias"] = everywhere.astype(np.float32)
        found.notes.append(DRIVE_BIAS)
    elif kind == "CUBA":
        decay = np.broadcast_to(neuron["neuron/iDecay"], everywhere.shape)
        found.datasets["bias"] = _steady(everywhere, decay)
        found.notes += [STEADY] if (decay != DECAY_SCALE).any() else []
    else:
        raise ValueError(
            f"the bias {drive / scale:g} of k winners take all enters the sums of a "
            f"{type(unit).__module__.split('.')[-1]} neuron at every step, which the file cannot "
            "say, expected 0; build the block with bias=0."
        )
    return found


def _steady(drive: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """Bias on the voltage that a constant drive comes to, in even integers; exact without leak."""
    if (decay == 0).any():
        raise ValueError(
            "the bias of k winners take all grows without end where iDecay is 0, expected a "
            "current_decay above 0; choose one, or build the block with bias=0."
        )
    steady = 2 * np.round(drive * DECAY_SCALE / decay / 2)
    if (np.abs(steady) > BIAS_RANGE[1]).any():
        raise ValueError(
            f"the bias of k winners take all comes to {np.abs(steady).max():g} on the voltage, "
            f"expected at most {BIAS_RANGE[1]}; choose a larger current_decay or a smaller bias."
        )
    return steady.astype(np.float32)
