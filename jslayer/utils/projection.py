"""Keeps learned parameters in range after an optimiser's step."""

from typing import Any

import jax
import jax.numpy as jnp

RANGES = {
    "current_decay": (0.0, 1.0),
    "voltage_decay": (0.0, 1.0),
    "threshold_decay": (0.0, 1.0),
    "refractory_decay": (0.0, 1.0),
    "delay": (0.0, jnp.inf),
}
"""Least and largest value of the parameters that have bounds, by name."""


def project(params: Any) -> Any:
    """Clamps bounded parameters to their range; the others stay as they are.

    Neurons clamp what they read and let the gradient through, so that a parameter outside can
    come back; but an optimiser may carry it far away first. Clamping after each step avoids that.

    Args:
      params: A nest of parameters, as in a network's ``params``.

    Returns:
      The same nest.

    Example:
      >>> float(project({"neuron": {"voltage_decay": jnp.float32(1.5)}})["neuron"]["voltage_decay"])
      1.0
    """

    def one(path, value):
        name = getattr(path[-1], "key", None)
        return jnp.clip(value, *RANGES[name]) if name in RANGES else value

    return jax.tree_util.tree_map_with_path(one, params)
