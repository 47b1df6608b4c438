"""Delays of the hardware: what came a while ago, over a stretch of time with a past."""

import jax
import jax.numpy as jnp

LONGEST = 62
"""Longest delay of a synapse, in steps."""


def late(
    past: jax.Array, new: jax.Array, delay: jax.Array | None, longest: int
) -> tuple[jax.Array, jax.Array]:
    """The last rows of the past, then the new ones, each channel late by its delay.

    ``y[t, ..., c] = joined[t + longest - delay_c, ..., c]``: with as many rows of the past as the
    longest delay that is a delay of ``delay_c`` steps, and with one more it is one step more.

    Args:
      past: ``[longest or longest + 1, ..., C]``.
      new: ``[T, ..., C]``.
      delay: ``[]`` or ``[C]`` int32; ``None`` for none.
      longest: Largest delay.

    Returns:
      ``[T, ..., C]`` and the past of the next stretch.
    """
    joined = jnp.concatenate([past, new])
    steps = new.shape[0]
    kept = joined[steps:]
    if delay is None:
        return joined[:steps], kept
    rows = jnp.arange(steps, dtype=jnp.int32).reshape((-1,) + (1,) * (new.ndim - 1))
    index = jnp.broadcast_to(rows + longest - delay, new.shape)
    return jnp.take_along_axis(joined, index, axis=0), kept
