"""Masks for the connectivity of synapses."""

import jax
import jax.numpy as jnp

from jslayer.ops import check

__all__ = ["diagonal_mask"]


def __dir__() -> list[str]:
    return __all__


def diagonal_mask(dim: int, num_diagonals: int) -> jax.Array:
    """Ones on the middle diagonals of a square: where ``|i - j| <= num_diagonals // 2``.

    Args:
      dim: Rows and columns.
      num_diagonals: Diagonals; an even number counts as the next odd one.

    Returns:
      ``[dim, dim]`` float32 of zeros and ones.

    Raises:
      ValueError: an argument is below 1 or no whole number.

    Example:
      >>> diagonal_mask(3, 1)
      Array([[1., 0., 0.],
             [0., 1., 0.],
             [0., 0., 1.]], dtype=float32)
    """
    check.whole("dim", dim)
    check.whole("num_diagonals", num_diagonals)
    index = jnp.arange(int(dim))
    away = jnp.abs(index[:, None] - index[None, :])
    return (away <= int(num_diagonals) // 2).astype(jnp.float32)
