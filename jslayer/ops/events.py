"""Counting events, in a way that one can learn from."""

import jax
import jax.numpy as jnp


@jax.custom_jvp
def event_fraction(x: jax.Array) -> jax.Array:
    """Fraction of entries that are not zero, with the gradient of the mean magnitude.

    A count of events has no gradient. This one is pulled down by making smaller what is not zero:
    ``d/dx = sign(x) / size``.

    Args:
      x: float32, any shape.

    Returns:
      A float32 scalar.

    Example:
      >>> float(event_fraction(jnp.array([0.0, 2.0, -1.0, 0.0])))
      0.5
    """
    return jnp.mean(x != 0, dtype=jnp.float32)


@event_fraction.defjvp
def _event_fraction_jvp(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return event_fraction(x), jnp.mean(jnp.sign(x) * x_dot, dtype=jnp.float32)
