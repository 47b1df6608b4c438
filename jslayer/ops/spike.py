"""Spike functions: a step at the threshold, with a surrogate derivative."""

import functools

import jax
import jax.numpy as jnp

from jslayer.ops import check
from jslayer.ops.surrogate import Surrogate


def spike(
    voltage: jax.Array,
    threshold: jax.Array | float,
    *,
    surrogate: Surrogate,
    graded: bool = False,
    scale: float = 1.0,
) -> jax.Array:
    """Spikes where the voltage reaches the threshold.

    ``s = [v >= threshold]``, graded ``s = [v >= threshold] v / scale``. Backward,
    ``ds/dv = surrogate(v, threshold)`` and ``ds/dthreshold = -surrogate(v, threshold)``.

    Args:
      voltage: float32, any shape, in threshold units.
      threshold: float32, broadcastable to ``voltage``.
      surrogate: ``(v, theta) -> derivative``, see `jslayer.ops.surrogate`.
      graded: Send the voltage that crossed instead of 1.
      scale: Divides graded spikes; does not enter the gradient.

    Returns:
      float32 spikes, shaped like ``voltage``.

    Raises:
      TypeError: ``voltage`` is not floating-point.
      ValueError: ``threshold`` does not broadcast to ``voltage``.

    Example:
      >>> from jslayer.ops import surrogate
      >>> spike(jnp.array([0.5, 1.0]), 1.0, surrogate=surrogate.Exponential(tau=0.1))
      Array([0., 1.], dtype=float32)
    """
    check.floating("voltage", voltage)
    check.broadcasts("threshold", threshold, to=jnp.shape(voltage), meaning="the voltage")
    threshold = jnp.broadcast_to(jnp.asarray(threshold, jnp.float32), jnp.shape(voltage))
    return _spike(surrogate, graded, scale, voltage, threshold)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _spike(surrogate, graded, scale, voltage, threshold):
    del surrogate
    return fire(voltage >= threshold, voltage, graded, scale)


def _spike_fwd(surrogate, graded, scale, voltage, threshold):
    return _spike(surrogate, graded, scale, voltage, threshold), (voltage, threshold)


def _spike_bwd(surrogate, graded, scale, residuals, spike_bar):
    del graded, scale
    voltage_bar = spike_bar * surrogate(*residuals)
    return voltage_bar, -voltage_bar


_spike.defvjp(_spike_fwd, _spike_bwd)


def fire(crossed: jax.Array, value: jax.Array, graded: bool, scale: float = 1.0) -> jax.Array:
    """Spikes of neurons that ``crossed``: 1, or ``value / scale`` where spikes are graded."""
    if graded:
        return jnp.where(crossed, value / scale, 0.0)
    return crossed.astype(jnp.float32)
