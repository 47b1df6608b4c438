"""Reading the ``neuron`` group of a layer."""

from typing import Any

import numpy as np

from jslayer.hdf5.read.group import Group
from jslayer.hdf5.records import Neuron

TYPES = {
    "CUBA": ("iDecay", "vDecay"),
    "LOIHI": ("iDecay", "vDecay"),
    "ALIF": ("iDecay", "vDecay", "thDecay", "refDecay", "vThStep"),
    "RF_PHASE": ("sinDecay", "cosDecay"),
    "RF_IZHIKEVICH": ("sinDecay", "cosDecay"),
    "ADRF_PHASE": ("sinDecay", "cosDecay", "thDecay", "refDecay", "vThStep"),
    "ADRF_IZHIKEVICH": ("sinDecay", "cosDecay", "thDecay", "refDecay", "vThStep"),
    "SDNN": (),
}
"""What each type of neuron needs besides its threshold."""

FIELDS = {
    "iDecay": ("current_decay", 0, 4096),
    "vDecay": ("voltage_decay", 0, 4096),
    "thDecay": ("threshold_decay", 0, 4096),
    "refDecay": ("refractory_decay", 0, 4096),
    "sinDecay": ("sin_decay", -4096, 4096),
    "cosDecay": ("cos_decay", -4096, 4096),
    "vThMant": ("threshold", 0, 2**18),
    "vThStep": ("threshold_step", -(2**18), 2**18),
}
"""Field of the record and range of every number."""

EXPORT = "export the network again"


def read_neuron(layer: Group, channels: int) -> Neuron | None:
    """The neuron of a layer, or ``None`` where it has none.

    Args:
      layer: Group of the layer.
      channels: Channels of the layer, as numbers per channel must have.

    Returns:
      The record.

    Raises:
      NetworkFileError: the type is unknown, or a number is missing or out of range.
    """
    if "neuron" not in layer:
        return None
    group = layer.group("neuron")
    kind = group.text("type")
    if kind not in TYPES:
        raise group.fault("type", f"is {kind!r}", f"one of {', '.join(TYPES)}", EXPORT)
    is_output = "sigma_output" in group and bool(group.one("sigma_output", 0, 1))
    names = TYPES[kind] if is_output and "vThMant" not in group else (*TYPES[kind], "vThMant")
    numbers = {FIELDS[name][0]: _number(group, name, channels) for name in names}
    return Neuron("CUBA" if kind == "LOIHI" else kind, **numbers, **_others(group, is_output))


def _number(group: Group, name: str, channels: int) -> np.ndarray:
    _, low, high = FIELDS[name]
    value = group.whole(name, low, high)
    if value.size != 1 and (value.size != channels or max(value.shape) != channels):
        expected = f"one number, or one for each of {channels} channels"
        raise group.fault(name, f"has shape {value.shape}", expected, EXPORT)
    return value.reshape(() if value.size == 1 else -1)


def _others(group: Group, is_output: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"sigma_output": is_output}
    if "gradedSpike" in group:
        found["graded"] = bool(group.one("gradedSpike", 0, 1))
    if "refDelay" in group:
        found["refractory_delay"] = group.one("refDelay", 0, 2**16)
    if "activation" in group:
        found["activation"] = group.text("activation")
    if "weight_exp" in group:
        exponent = group.numbers("weight_exp")
        if exponent.size != 1:
            raise group.fault("weight_exp", f"has shape {exponent.shape}", "one number", EXPORT)
        found["weight_exp"] = float(exponent.reshape(()))
    return found
