"""Keeps learned parameters in range after an optimiser's step."""

from typing import Any

import jax
import jax.numpy as jnp

from jslayer.block.base import MAX_DELAY

RANGES = {
    "current_decay": (0.0, 1.0),
    "voltage_decay": (0.0, 1.0),
    "threshold_decay": (0.0, 1.0),
    "refractory_decay": (0.0, 1.0),
    "threshold": (0.0, jnp.inf),
    "delay": (0.0, jnp.inf),
}
"""Least and largest value of the parameters that have bounds, by name."""


def project(params: Any) -> Any:
    """Clamps bounded parameters to their range; the others stay as they are.

    Neurons clamp what they read and let the gradient through, so that a parameter outside can
    come back; but an optimiser may carry it far away first. Clamping after each step avoids that.
    The delay of a block ends at `jslayer.block.base.MAX_DELAY`.

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

    return jax.tree_util.tree_map_with_path(one, params)
