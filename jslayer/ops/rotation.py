"""Rotations from their period and decay, in twice the digits of float32.

A rotation is rounded to 1/4096. Worked out in plain float32, one in some thousands lands on the
other side of a rounding than the same numbers do in Python's float64; in pairs of floats none does.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

TERMS = 10
"""Terms of both series: up to a quarter turn, what is left out is below 1e-13."""


class Pair(NamedTuple):
    """A number as the sum of two float32, the second below the last digit of the first."""

    high: jax.Array | np.float32
    low: jax.Array | np.float32


def rotation(period: Any, decay: Any) -> tuple[jax.Array, jax.Array]:
    """``(1 - decay) sin(2 pi / period)`` and ``(1 - decay) cos(2 pi / period)``, differentiable.

    Args:
      period: Steps per turn, at least 4; numbers or arrays.
      decay: Fraction of the length lost per step, broadcastable to it.

    Returns:
      Both, float32.

    Example:
      >>> sin, cos = rotation(jnp.float32(8), 0.5)
      >>> round(float(sin), 6), round(float(cos), 6)
      (0.353553, 0.353553)
    """
    period, decay = jnp.broadcast_arrays(
        jnp.asarray(period, jnp.float32), jnp.asarray(decay, jnp.float32)
    )
    return _rotation(period, decay)


@jax.custom_jvp
def _rotation(period, decay):
    angle = _times(_inverse(period), _constant(2 * math.pi))
    square = _times(angle, angle)
    odd, even = _constant(0.0), _constant(0.0)
    for n in reversed(range(TERMS)):
        sign = (-1) ** n
        odd = _plus(_times(odd, square), _constant(sign / math.factorial(2 * n + 1)))
        even = _plus(_times(even, square), _constant(sign / math.factorial(2 * n)))
    lost = Pair(-decay, np.float32(0))  # not 1 - decay, which a compiler would put elsewhere
    parts = (_times(angle, odd), even)
    parts = [_plus(part, _times(part, lost)) for part in parts]
    return tuple(part.high + part.low for part in parts)


@_rotation.defjvp
def _rotation_jvp(primals, tangents):
    (period, decay), (period_dot, decay_dot) = primals, tangents
    sin, cos = _rotation(period, decay)
    angle = 2 * jnp.pi / period
    turned = -angle / period * period_dot
    sin_dot = cos * turned - jnp.sin(angle) * decay_dot
    cos_dot = -sin * turned - jnp.cos(angle) * decay_dot
    return (sin, cos), (sin_dot, cos_dot)


def _constant(value):
    high = np.float32(value)
    return Pair(high, np.float32(value - float(high)))


def _exact_sum(a, b):
    total = a + b
    part = total - a
    return Pair(total, (a - (total - part)) + (b - part))


def _without(value, bits):
    """A float without some of its last digits."""
    number = jax.lax.bitcast_convert_type(jnp.asarray(value), jnp.int32)
    return jax.lax.bitcast_convert_type(number & ~bits, jnp.float32)


def _halves(value):
    """A float as the sum of two of 12 bits, whose products are exact."""
    high = _without(value, 0xFFF)
    return high, value - high


def _exact_product(a, b):
    # a digit less, else a compiler may join product and sum in one, rounded otherwise
    product = _without(a * b, 1)
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    missing = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return Pair(product, missing)


def _plus(a, b):
    total = _exact_sum(a.high, b.high)
    return _exact_sum(total.high, total.low + (a.low + b.low))


def _times(a, b):
    product = _exact_product(a.high, b.high)
    return _exact_sum(product.high, product.low + (a.high * b.low + a.low * b.high))


def _inverse(value):
    first = 1 / value
    product = _exact_product(first, value)
    return _exact_sum(first, ((1 - product.high) - product.low) / value)
