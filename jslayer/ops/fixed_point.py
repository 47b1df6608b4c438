"""Exact fixed-point arithmetic of the hardware, in int32.

A state is an integer in units of ``1 / s_scale``. A decay is a fraction with 12 bits: 4096 is one.
"""

import jax
import jax.numpy as jnp

DECAY_SCALE = 1 << 12
"""Integer that stands for a decay of one."""

STATE_PER_WEIGHT = 1 << 6
"""States are this much finer than weights and thresholds: ``s_scale = scale * 64``."""


def multiply(value: jax.Array, factor: jax.Array) -> jax.Array:
    """Multiplies by a 12-bit fraction and cuts toward zero.

    ``sign(value factor) * ((|value| * |factor|) >> 12)``, exact for every int32 ``value`` (but for
    -2^31 times -4096, which int32 cannot hold): the high and the low 12 bits are multiplied apart,
    so that no product overflows.

    Args:
      value: int32 state.
      factor: int32 in ``[-4096, 4096]``; broadcasts against ``value``.

    Returns:
      int32, shaped like the broadcast arguments.

    Example:
      >>> multiply(jnp.int32(-1), jnp.int32(4095))
      Array(0, dtype=int32)
    """
    low = (value & (DECAY_SCALE - 1)) * factor
    # the arithmetic shift rounds down; 4095 is added where the whole product is negative
    return (value >> 12) * factor + ((low + (((value ^ factor) >> 31) & (DECAY_SCALE - 1))) >> 12)


def to_fixed(x: jax.Array, scale: float) -> jax.Array:
    """Converts to an integer state, toward zero: ``trunc(scale * x)``.

    Args:
      x: float32, in threshold units.
      scale: Integer states per threshold unit.

    Returns:
      int32, shaped like ``x``; saturates at the ends of int32. NaN has no defined result.
    """
    return (x * scale).astype(jnp.int32)


def to_float(value: jax.Array, scale: float) -> jax.Array:
    """Converts an integer state to threshold units: ``value / scale``, float32.

    Exact below 2^24 for scales that are powers of two.
    """
    return value.astype(jnp.float32) / scale


def fraction(decay: jax.Array) -> jax.Array:
    """Integer form of a decay that lies on the 12-bit grid already: ``round(4096 * decay)``."""
    return jnp.round(decay * DECAY_SCALE).astype(jnp.int32)


@jax.custom_jvp
def quantize_decay(decay: jax.Array) -> jax.Array:
    """Rounds a decay to the 12-bit grid, half to even, with gradient 1.

    Args:
      decay: float32 fraction, any shape.

    Returns:
      ``round(4096 * decay) / 4096``.
    """
    return jnp.round(decay * DECAY_SCALE) / DECAY_SCALE


@quantize_decay.defjvp
def _quantize_decay_jvp(primals, tangents):
    return quantize_decay(*primals), tangents[0]


@jax.custom_jvp
def clamp(value: jax.Array, low: jax.Array | float, high: jax.Array | float) -> jax.Array:
    """Clamps to ``[low, high]`` with gradient 1 everywhere.

    The gradient passes outside of the range as well, so that a parameter that an optimiser
    pushed out comes back; a plain clip would never let it.
    """
    return jnp.clip(value, low, high)


@clamp.defjvp
def _clamp_jvp(primals, tangents):
    return clamp(*primals), tangents[0]


def whole_steps(value: jax.Array, step: float) -> jax.Array:
    """Multiples of ``step`` in ``value``, toward zero; a float's rounding below one counts as it.

    Without that, ``k / 50`` holds one step of ``1 / 50`` too few for some ``k``.
    """
    units = value / step
    near = jnp.round(units)
    return jnp.where(jnp.abs(units - near) <= 2.0**-20 * jnp.abs(near), near, jnp.trunc(units))


@jax.custom_jvp
def truncate(value: jax.Array, step: float) -> jax.Array:
    """Cuts to a multiple of ``step``, toward zero, with gradient 1."""
    return whole_steps(value, step) * step


@truncate.defjvp
def _truncate_jvp(primals, tangents):
    return truncate(*primals), tangents[0]
