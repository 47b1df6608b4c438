"""Weighted sums whose factors are rounded to a type of fewer bits in the forward pass."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import EventBatch

Product = Callable[[jax.Array, jax.Array], jax.Array]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def reduced(product: Product, dtype: Any, x: jax.Array, weight: jax.Array) -> jax.Array:
    """``product(x, weight)`` with both factors in ``dtype`` and sums in float32.

    The gradient is a product in float32, since cotangents are no small integers; what is kept for
    it is ``x`` in ``dtype``, as it went into the product.

    Args:
      product: Bilinear; gives float32 for either type.
      dtype: Type of the factors.
      x: float32, booleans, or a batch of lists of events.
      weight: float32.

    Returns:
      float32.
    """
    return product(_as(x, dtype), weight.astype(dtype))


def _forward(product, dtype, x, weight):
    rounded = _as(x, dtype)
    return product(rounded, weight.astype(dtype)), (rounded, weight)


def _backward(product, dtype, residuals, z_bar):
    del dtype
    x, weight = residuals
    _, pullback = jax.vjp(product, _as(x, jnp.float32), weight)
    return pullback(z_bar)


def _as(x, dtype):
    """Events stay booleans or lists, which the product reads as they are."""
    if isinstance(x, EventBatch):
        return _rounded(x, jnp.finfo(dtype))
    return x if x.dtype == jnp.bool_ else x.astype(dtype)


def _rounded(events, kind):
    """The values of lists of events with the bits of a type."""
    return jax.tree.map(
        lambda leaf: (
            lax.reduce_precision(leaf, kind.nexp, kind.nmant)
            if jnp.issubdtype(leaf.dtype, jnp.floating)
            else leaf
        ),
        events,
    )


reduced.defvjp(_forward, _backward)
