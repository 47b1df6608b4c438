"""From a network file's numbers back to constructor arguments, for all spiking neurons."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jslayer.ops import fixed_point

_DECAYS = {
    "iDecay": "current_decay",
    "vDecay": "voltage_decay",
    "thDecay": "threshold_decay",
    "refDecay": "refractory_decay",
}


def neuron_params(device_params: Mapping[str, Any], scale: int = 64) -> dict[str, Any]:
    """Constructor arguments of a neuron from what a network file holds: the inverse of the file.

    The period and the decay of a resonator are those of its ``sinDecay`` and ``cosDecay``, so
    that rounding them gives the same integers again in most cases; who needs the very integers
    takes them as ``sin_decay`` and ``cos_decay``, over 4096.

    Args:
      device_params: The file's ``neuron`` group by key; numbers, or arrays of one per channel.
        Whether spikes are graded, the refractory delay and the type are not read.
      scale: Integer weights per threshold unit that the network was trained with.

    Returns:
      Arguments by name; arrays where the file has one number per channel, to be used with
      ``shared_param=False``.

    Example:
      >>> neuron_params({"iDecay": 1024, "vDecay": 128, "vThMant": 80})
      {'threshold': 1.25, 'current_decay': 0.25, 'voltage_decay': 0.03125}
    """
    found: dict[str, Any] = {"threshold": np.asarray(device_params["vThMant"]) / scale}
    for key, name in _DECAYS.items():
        if key in device_params:
            found[name] = np.asarray(device_params[key]) / fixed_point.DECAY_SCALE
    if "sinDecay" in device_params:
        sin, cos = (np.asarray(device_params[key]) for key in ("sinDecay", "cosDecay"))
        found["period"] = 2 * np.pi / np.arctan2(sin, cos)
        found["decay"] = 1 - np.hypot(sin, cos) / fixed_point.DECAY_SCALE
    if "vThStep" in device_params:
        found["threshold_step"] = np.asarray(device_params["vThStep"]) / scale
    return {name: value if np.ndim(value) else float(value) for name, value in found.items()}
