"""Event rate of an array."""

import jax
import jax.numpy as jnp

from jslayer.ops import check


def event_rate(x: jax.Array) -> jax.Array:
    """Fraction of entries that are not zero, without the first step where there are more.

    The first step is left out since a layer's one-step delay makes it silent.

    Args:
      x: ``[..., T]``.

    Returns:
      A float32 scalar.

    Example:
      >>> event_rate(jnp.array([[0.0, 1.0, 0.0]]))
      Array(0.5, dtype=float32)
    """
    check.rank("x", x, at_least=1, layout="..., T")
    check.time_steps("x", x, axis=-1)
    x = x[..., 1:] if x.shape[-1] > 1 else x
    return jnp.mean(x != 0, dtype=jnp.float32)
