"""Sums of integer products, exact on every backend, by way of float32 products.

No accelerator multiplies int32 matrices fast, and float32 is exact below 2^24. So an input is cut
into digits that are small enough for the sum of a whole row, and the digits' sums are put together
again in int32, where they wrap at 32 bits as an integer sum would.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

EXACT = 2**24
"""Whole numbers up to here are exact in float32."""

WORD = 32


def digit_bits(reach: int) -> int:
    """Bits of a digit so small that no partial sum leaves the exact range of float32.

    Args:
      reach: Largest sum of the magnitudes of the weights that meet in one output.

    Returns:
      Bits; 0 where float32 is too small for any digit.
    """
    return min(WORD, (EXACT // max(reach, 1)).bit_length() - 1) if reach <= EXACT else 0


def exact_sum(
    product: Callable[[jax.Array], jax.Array], x: jax.Array, bits: int, *, binary: bool
) -> jax.Array:
    """``product(x)`` for whole numbers ``x``, modulo 2^32.

    Args:
      product: A linear function of ``[B, ...]``, which computes in the dtype of its argument.
      x: ``[B, ...]`` int32.
      bits: Bits of a digit, from `digit_bits`; with 0 the product is taken in int32, slowly.
      binary: Only 0 and 1 occur in ``x``: one digit is enough.

    Returns:
      int32.
    """
    if bits == 0:
        return product(x)
    if binary:
        return product(x.astype(jnp.float32)).astype(jnp.int32)
    shifts = range(0, WORD, bits)
    # the last digit keeps the sign
    digits = [(x >> shift) & ((1 << bits) - 1) for shift in shifts[:-1]] + [x >> shifts[-1]]
    summed = product(jnp.concatenate(digits).astype(jnp.float32)).astype(jnp.int32)
    parts = jnp.split(summed, len(digits))
    return sum(part << shift for part, shift in zip(parts, shifts, strict=True))
