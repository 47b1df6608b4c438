"""Which neuron of the hardware computes which neuron of a file."""

import numpy as np

from jslayer.hdf5.hardware.leaky import Alif, Cuba
from jslayer.hdf5.hardware.model import Model
from jslayer.hdf5.hardware.resonate import AdaptiveResonateAndFire, ResonateAndFire
from jslayer.hdf5.hardware.sigma_delta import SigmaDelta
from jslayer.hdf5.records import Neuron


def model_of(neuron: Neuron, *, is_input: bool, spike_exp: int) -> Model:
    """How the hardware computes a neuron.

    Args:
      neuron: What the file says.
      is_input: It stands in an input layer.
      spike_exp: See `SigmaDelta`.

    Returns:
      The model.
    """
    if neuron.type == "SDNN":
        part = "output" if neuron.sigma_output else "input" if is_input else "hidden"
        return SigmaDelta(spike_exp=spike_exp, part=part)
    if neuron.type == "CUBA":
        return Cuba(is_input=is_input)
    if neuron.type == "ALIF":
        return Alif()
    adaptive = neuron.type.startswith("ADRF")
    kind = AdaptiveResonateAndFire if adaptive else ResonateAndFire
    return kind(phase=neuron.type.endswith("PHASE"))


def without_neuron() -> Neuron:
    """What hardware runs where a file has a synapse alone: an integrator that never spikes."""
    number = lambda value: np.asarray(value, np.int64)
    return Neuron(
        "CUBA", current_decay=number(0), voltage_decay=number(4096), threshold=number(2**17)
    )
