"""Exact fixed-point arithmetic of the hardware, in int32.

A state is an integer in units of ``1 / s_scale``. A decay is a fraction with 12 bits: 4096 is one.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

DECAY_SCALE = 1 << 12
"""Integer that stands for a decay of one."""

LARGEST = (1 << 31) - 1
"""The upper end of int32, where states stop."""

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


def add(a: jax.Array, b: jax.Array) -> jax.Array:
    """``a + b``, held at the ends of int32 instead of wrapping to the other one.

    Args:
      a: int32.
      b: int32, same shape.

    Returns:
      int32.

    Example:
      >>> add(jnp.int32(2**31 - 10), jnp.int32(100))
      Array(2147483647, dtype=int32)
    """
    total = a + b
    wrapped = ((a ^ total) & (b ^ total)) < 0  # both signs differ from the sum's
    return jnp.where(wrapped, (a >> 31) ^ LARGEST, total)


def reaches_sum(value: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """``value >= a + b`` for any int32 numbers, also where the sum leaves int32.

    Halves are compared first, since half of a sum cannot overflow; then the last bits.

    Args:
      value: int32.
      a: int32; broadcasts against ``value``.
      b: int32; broadcasts against ``value``.

    Returns:
      Booleans.

    Example:
      >>> reaches_sum(jnp.int32(2**31 - 1), jnp.int32(2**30), jnp.int32(2**30))
      Array(False, dtype=bool)
    """
    half = (a & b) + ((a ^ b) >> 1)
    own = value >> 1
    return (own > half) | ((own == half) & ((value & 1) >= ((a ^ b) & 1)))


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
def clamp_rotation(sin: jax.Array, cos: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Keeps a decaying rotation inside the unit circle and its first quadrant, with gradient 1.

    Both are multiplied by ``min(g, 4095/4096) / g`` with the gain ``g = sqrt(sin^2 + cos^2)``; then
    ``sin >= 1/4096`` and ``cos >= 0``. As in `clamp`, the gradient passes outside as well.

    Args:
      sin: float32, ``(1 - decay) sin(2 pi / period)``.
      cos: float32, ``(1 - decay) cos(2 pi / period)``.

    Returns:
      Both, in range.
    """
    gain = jnp.sqrt(sin * sin + cos * cos)
    most = (DECAY_SCALE - 1) / DECAY_SCALE
    factor = jnp.where(gain > most, most / jnp.where(gain > most, gain, 1.0), 1.0)
    return jnp.maximum(sin * factor, 1 / DECAY_SCALE), jnp.maximum(cos * factor, 0.0)


@clamp_rotation.defjvp
def _clamp_rotation_jvp(primals, tangents):
    return clamp_rotation(*primals), tangents


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


def whole_weights(value: Any, scale: int) -> Any:
    """Integer weights in a number, toward zero: ``int(value * scale)``, exact.

    Args:
      value: A Python number, or an array: of NumPy, or of JAX, traced or not.
      scale: Integer weights per unit, at most 4096 to be exact for arrays of JAX.

    Returns:
      A Python integer; for an array integers, shaped like it.

    Example:
      >>> whole_weights(1.25, 64), whole_weights(jnp.float32(1.25), 64)
      (80, Array(80, dtype=int32))
    """
    if isinstance(value, np.ndarray):
        return np.trunc(value * scale).astype(np.int32)
    if not isinstance(value, jax.Array):
        return int(value * scale)
    return _whole_weights(value.astype(jnp.float32), scale).astype(jnp.int32)


def on_weight_grid(value: Any, scale: int) -> Any:
    """A number cut to a multiple of ``1 / scale`` as by `whole_weights`; arrays with gradient 1."""
    if not isinstance(value, jax.Array):
        return whole_weights(value, scale) / scale
    return _on_weight_grid(value.astype(jnp.float32), scale)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _on_weight_grid(value, scale):
    # no constant: by the inverse of one a compiler would multiply, to another float
    divisor = jnp.where(jnp.isnan(value), jnp.nan, jnp.float32(scale))
    return _whole_weights(value, scale) / divisor


@_on_weight_grid.defjvp
def _on_weight_grid_jvp(scale, primals, tangents):
    return _on_weight_grid(*primals, scale), tangents[0]


def _whole_weights(value, scale):
    """Whole part of ``value * scale``, where the float product may have been rounded up to it."""
    bits = jax.lax.bitcast_convert_type(value, jnp.int32)
    high = jax.lax.bitcast_convert_type(bits & ~0xFFF, jnp.float32)
    low = (value - high) * scale  # both products of 12 bits with the scale are exact
    high = high * scale
    product = high + low
    whole = jnp.trunc(product)
    beyond = (high - product) + low  # exact, since high is the larger one
    back = (product == whole) & (beyond * jnp.sign(whole) < 0)
    return whole - jnp.where(back, jnp.sign(whole), 0.0)


@jax.custom_jvp
def truncate(value: jax.Array, step: float) -> jax.Array:
    """Cuts to a multiple of ``step``, toward zero, with gradient 1."""
    return whole_steps(value, step) * step


@truncate.defjvp
def _truncate_jvp(primals, tangents):
    return truncate(*primals), tangents[0]
