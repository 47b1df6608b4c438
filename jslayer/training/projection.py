"""Keeps learned parameters in range after an optimiser's step."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jslayer.block.base import MAX_DELAY
from jslayer.ops import fixed_point

RANGES = {
    "current_decay": (0.0, 1.0),
    "voltage_decay": (0.0, 1.0),
    "threshold_decay": (0.0, 1.0),
    "refractory_decay": (0.0, 1.0),
    "threshold": (0.0, jnp.inf),
    "threshold_step": (0.0, jnp.inf),
    "delay": (0.0, jnp.inf),
}
"""Least and largest value of the parameters that have bounds, by name."""


def project(params: Any) -> Any:
    """Clamps bounded parameters to their range; the others stay as they are.

    Neurons clamp what they read and let the gradient through, so that a parameter outside can
    come back; but an optimiser may carry it far away first. Clamping after each step avoids that.
    The delay of a block ends at `jslayer.block.base.MAX_DELAY`; resonators stay inside the unit
    circle.

    Args:
      params: A nest of parameters, as in a network's ``params``.

    Returns:
      The same nest.

    Example:
      >>> float(project({"neuron": {"voltage_decay": jnp.float32(1.5)}})["neuron"]["voltage_decay"])
      1.0
    """

    def one(path, value):
        *above, name = [getattr(entry, "key", None) for entry in path]
        if name not in RANGES:
            return value
        low, high = RANGES[name]
        if name == "delay" and above[-1:] == ["delay_line"]:
            high = MAX_DELAY
        return jnp.clip(value, low, high)

    return _rotations(jax.tree_util.tree_map_with_path(one, params))


def _rotations(node):
    """Keeps the sine and cosine of resonators, which stand side by side, inside the unit circle."""
    if not isinstance(node, Mapping):
        return node
    found = {name: _rotations(child) for name, child in node.items()}
    if "sin_decay" in found and "cos_decay" in found:
        pair = fixed_point.clamp_rotation(found["sin_decay"], found["cos_decay"])
        found["sin_decay"], found["cos_decay"] = pair
    return type(node)(found)
