"""Activations by name: what a sigma-delta neuron wraps, and what the network file calls it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jslayer.ops import sigma_delta

NAMED = {"relu": sigma_delta.relu, "identity": sigma_delta.identity}


def function(activation: str | Callable[[jax.Array], jax.Array]) -> sigma_delta.Activation:
    """An activation as a function.

    Args:
      activation: The function, or its name in `NAMED`, `jax.nn` or `jax.numpy`.

    Returns:
      An elementwise function.

    Raises:
      ValueError: there is none of that name.
    """
    if isinstance(activation, str):
        for home in (NAMED, vars(jax.nn), vars(jnp)):
            if activation in home:
                return home[activation]
        raise ValueError(
            f"`activation` is {activation!r}, expected the name of a function of jax.nn "
            "or jax.numpy, or 'identity'; pass the function itself."
        )
    # the library's own rectifier is plainer, with the same values and gradients
    return sigma_delta.relu if activation is jax.nn.relu else activation


def name_of(activation: Any) -> str:
    """Name of an activation, or of the class of a neuron that is one."""
    if isinstance(activation, str):
        return activation
    return getattr(activation, "__name__", None) or type(activation).__name__.lower()
