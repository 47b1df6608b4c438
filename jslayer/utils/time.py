"""Signals in time, by the old library's names."""

import jax
import jax.numpy as jnp

from jslayer.ops.shift import shift as shift

__all__ = ["replicate", "shift"]


def __dir__() -> list[str]:
    return __all__


def replicate(input: jax.Array, num_steps: int) -> jax.Array:
    """Repeats an array in time: ``[...] -> [..., num_steps]``.

    Args:
      input: Any shape and type.
      num_steps: Steps.

    Returns:
      The array with a time axis at the end.

    Example:
      >>> replicate(jnp.array([1.0, 2.0]), 3)
      Array([[1., 1., 1.],
             [2., 2., 2.]], dtype=float32)
    """
    return jnp.repeat(input[..., None], num_steps, axis=-1)
