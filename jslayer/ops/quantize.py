"""Quantisation with straight-through gradients."""

from typing import Literal

import jax
import jax.numpy as jnp

from jslayer.ops import check

__all__ = ["Mode", "quantize", "quantize_8bit", "quantize_hook_fx"]


def __dir__() -> list[str]:
    return __all__


Mode = Literal["ROUND", "FLOOR"]


def quantize(x: jax.Array, step: float = 1.0, mode: Mode = "ROUND") -> jax.Array:
    """Quantises to multiples of ``step``, with gradient 1.

    ``ROUND``: ``round_half_even(x / step) step``. ``FLOOR``: ``floor(x / step) step``.

    Args:
      x: float32, any shape.
      step: Distance of two levels.
      mode: How to round.

    Returns:
      float32, shaped like ``x``.

    Raises:
      ValueError: ``mode`` is unknown or ``step`` is not positive.

    Example:
      >>> quantize(jnp.array([0.4, 0.6]), 0.5)
      Array([0.5, 0.5], dtype=float32)
    """
    check.choice("mode", mode, ("ROUND", "FLOOR"))
    check.positive("step", step)
    return _quantize(x, step, mode)


def _quantize_value(x, step, mode):
    return (jnp.round if mode == "ROUND" else jnp.floor)(x / step) * step


@jax.custom_jvp
def _pass_through(value, x):
    """``value`` with the gradient of ``x``."""
    del x
    return value


@_pass_through.defjvp
def _pass_through_jvp(primals, tangents):
    return _pass_through(*primals), tangents[1]


def _quantize(x, step, mode):
    return _pass_through(_quantize_value(x, step, mode), x)


def quantize_8bit(weight: jax.Array, scale: int = 64, *, descale: bool = False) -> jax.Array:
    """Weights as the hardware holds them: even integers in [-256, 254], over ``scale``.

    ``clip(round_half_even(w scale / 2) 2 / scale, -256 / scale, 254 / scale)``. The gradient is 1
    (``scale`` if descaled) where the rounded weight is inside the bounds or on them, 0 outside.

    Args:
      weight: float32, any shape, in threshold units.
      scale: Integer weights per threshold unit.
      descale: Return integers (as float32) instead.

    Returns:
      float32, shaped like ``weight``.

    Example:
      >>> quantize_8bit(jnp.array([0.02, 9.0]))
      Array([0.03125, 3.96875], dtype=float32)
    """
    return _quantize_clipped(weight, scale, -256 / scale, 254 / scale, descale)


def quantize_hook_fx(
    x: jax.Array, scale: int = 64, num_bits: int = 8, descale: bool = False
) -> jax.Array:
    """As `quantize_8bit` with bounds ``-2 2^num_bits / scale`` and ``2 (2^num_bits - 1) / scale``.

    One bit wider than the name says, as the networks trained with it expect.

    Args:
      x: float32, any shape.
      scale: Integer weights per threshold unit.
      num_bits: Sets the bounds.
      descale: Return integers (as float32) instead.

    Returns:
      float32, shaped like ``x``.
    """
    levels = 2**num_bits
    return _quantize_clipped(x, scale, -2 * levels / scale, 2 * (levels - 1) / scale, descale)


def _quantize_clipped(x, scale, low, high, descale):
    check.positive("scale", scale)
    rounded = _quantize(x, 2 / scale, "ROUND")
    inside = (rounded >= low) & (rounded <= high)
    # jnp.clip would share the gradient at a bound; a weight on the bound must be free to leave it
    clipped = jnp.where(inside, rounded, jnp.clip(jax.lax.stop_gradient(rounded), low, high))
    return clipped * scale if descale else clipped
