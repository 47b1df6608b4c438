"""Binary events as bits: eight time steps in a byte, a thirty-second of their floats."""

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import check

STEPS = 8
"""Time steps in a byte."""


def pack(events: jax.Array) -> jax.Array:
    """Packs events over time, bit k of a byte being step k of its eight.

    The result is made where it stands, while the events are at hand: XLA does not join it with what
    unpacks it much later, which would keep the events themselves alive till then.

    Args:
      events: ``[T, ...]`` of zeros and ones, any type; what is not zero counts as an event.

    Returns:
      ``[ceil(T / 8), ...]`` uint8.

    Example:
      >>> pack(jnp.array([1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]))
      Array([5, 1], dtype=uint8)
    """
    check.rank("events", events, at_least=1, layout="T, ...")
    missing = -events.shape[0] % STEPS
    padded = jnp.pad(events.astype(jnp.bool_), ((0, missing), *((0, 0),) * (events.ndim - 1)))
    eights = padded.reshape(-1, STEPS, *events.shape[1:])
    # a CPU's compiler drops barriers before it fuses, but leaves a loop alone
    return lax.platform_dependent(eights, cpu=_in_a_loop, default=_behind_a_barrier)


def unpack(bits: jax.Array, steps: int) -> jax.Array:
    """Undoes `pack`.

    Args:
      bits: ``[ceil(T / 8), ...]`` uint8.
      steps: Number of time steps, T.

    Returns:
      ``[T, ...]`` float32 of zeros and ones.

    Raises:
      ValueError: ``bits`` does not hold that many steps.

    Example:
      >>> unpack(jnp.array([5], jnp.uint8), 3)
      Array([1., 0., 1.], dtype=float32)
    """
    if bits.shape[0] != -(-steps // STEPS):
        raise ValueError(
            f"`bits` has {bits.shape[0]} bytes of time, expected {-(-steps // STEPS)} for "
            f"{steps} steps; pass the T of the events that were packed."
        )
    place = jnp.arange(STEPS, dtype=jnp.uint8).reshape(1, STEPS, *(1,) * (bits.ndim - 1))
    eights = (bits[:, None] >> place) & jnp.uint8(1)
    return eights.reshape(-1, *bits.shape[1:])[:steps].astype(jnp.float32)


def _byte(eight):
    """``[8, ...]`` booleans to ``[...]`` bytes."""
    byte = eight[0].astype(jnp.uint8)
    for place in range(1, STEPS):
        byte = byte | (eight[place].astype(jnp.uint8) << jnp.uint8(place))
    return byte


def _in_a_loop(eights):
    return lax.map(_byte, eights)


def _behind_a_barrier(eights):
    return lax.optimization_barrier(_byte(jnp.moveaxis(eights, 1, 0)))
