"""Spike functions: a step at the threshold, with a surrogate derivative."""

import functools

import jax
import jax.numpy as jnp

from jslayer.ops import check, swept
from jslayer.ops.surrogate import PhaseExponential, Surrogate, phase_derivatives


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
    record, numbers = swept.taken_out(surrogate)
    return _spike(record, graded, scale, voltage, threshold, numbers)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _spike(surrogate, graded, scale, voltage, threshold, numbers):
    del surrogate, numbers
    return fire(voltage >= threshold, voltage, graded, scale)


@_spike.defjvp
def _spike_jvp(surrogate, graded, scale, primals, tangents):
    *values, numbers = primals
    along = swept.put_back(surrogate, numbers)(*values) * (tangents[0] - tangents[1])
    return _spike(surrogate, graded, scale, *primals), along


def phase_spike(
    real: jax.Array,
    imag: jax.Array,
    threshold: jax.Array | float,
    imag_last: jax.Array | float = 0.0,
    *,
    surrogate: Surrogate | PhaseExponential,
    graded: bool = False,
    scale: float = 1.0,
) -> jax.Array:
    """Spikes of a complex state at phase zero, if its real part reaches the threshold then.

    ``s[t] = [re[t] >= threshold] [im[t] >= 0] [im[t-1] < 0]``, graded times ``re[t] / scale``.
    Backward as `jslayer.ops.surrogate.phase_derivatives`; ``ds/dthreshold = -ds/dre``.

    Args:
      real: ``[T, ...]`` float32, in threshold units.
      imag: ``[T, ...]`` float32.
      threshold: float32, broadcastable to ``real``.
      imag_last: ``[...]`` or a number, the imaginary part before the first step.
      surrogate: ``(v, theta) -> derivative`` or a `jslayer.ops.surrogate.PhaseExponential`.
      graded: Send the real part instead of 1.
      scale: Divides graded spikes; does not enter the gradient.

    Returns:
      float32 spikes, shaped like ``real``.

    Raises:
      TypeError: ``real`` or ``imag`` is not floating-point.
      ValueError: a shape does not fit.

    Example:
      >>> from jslayer.ops import surrogate
      >>> real, imag = jnp.ones(4), jnp.array([-1.0, 0.5, -0.5, 0.0])
      >>> phase_spike(real, imag, 1.0, surrogate=surrogate.PhaseExponential(0.5))
      Array([0., 1., 0., 1.], dtype=float32)
    """
    for name, value in (("real", real), ("imag", imag)):
        check.floating(name, value)
        check.rank(name, value, at_least=1, layout="T, ...")
    check.broadcasts("imag", imag, to=jnp.shape(real), meaning="the real part")
    check.broadcasts("threshold", threshold, to=jnp.shape(real), meaning="the real part")
    check.broadcasts("imag_last", imag_last, to=jnp.shape(real)[1:], meaning="one step")
    threshold = jnp.broadcast_to(jnp.asarray(threshold, jnp.float32), jnp.shape(real))
    imag_last = jnp.broadcast_to(jnp.asarray(imag_last, jnp.float32), jnp.shape(real)[1:])
    record, numbers = swept.taken_out(surrogate)
    return _phase_spike(record, graded, scale, real, imag, threshold, imag_last, numbers)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _phase_spike(surrogate, graded, scale, real, imag, threshold, imag_last, numbers):
    del surrogate, numbers
    before = jnp.concatenate([imag_last[None], imag[:-1]])
    return fire((real >= threshold) & (imag >= 0) & (before < 0), real, graded, scale)


@_phase_spike.defjvp
def _phase_spike_jvp(surrogate, graded, scale, primals, tangents):
    *values, _, numbers = primals
    real_dot, imag_dot, threshold_dot, *_ = tangents
    by_real, by_imag = phase_derivatives(swept.put_back(surrogate, numbers), *values)
    along = by_real * (real_dot - threshold_dot) + by_imag * imag_dot
    return _phase_spike(surrogate, graded, scale, *primals), along


def fire(crossed: jax.Array, value: jax.Array, graded: bool, scale: float = 1.0) -> jax.Array:
    """Spikes of neurons that ``crossed``: 1, or ``value / scale`` where spikes are graded."""
    if graded:
        return jnp.where(crossed, value / scale, 0.0)
    return crossed.astype(jnp.float32)
