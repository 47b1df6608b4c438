"""Filters with a finite response along the last axis: causal, anti-causal, banks, moving rates."""

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import check


def conv(x: jax.Array, response: jax.Array, sampling_time: float = 1.0) -> jax.Array:
    """Causal filter: ``y[t] = sampling_time sum_k response[k] x[t - k]``, length kept.

    The gradient of ``x`` is `corr` with the same response; the response gets none.

    Args:
      x: ``[..., T]`` float32; ``[T]`` counts as ``[1, T]``.
      response: ``[L]`` float32, impulse response.
      sampling_time: Length of a step.

    Returns:
      float32, shaped like ``x`` (a 1-d signal returns as ``[1, T]``).

    Raises:
      TypeError: ``x`` is not floating-point.
      ValueError: ``response`` has another rank than 1 or no entry, or ``x`` has no time step.
    """
    return _filter(x, response, sampling_time, causal=True)


def corr(x: jax.Array, response: jax.Array, sampling_time: float = 1.0) -> jax.Array:
    """Anti-causal filter: ``y[t] = sampling_time sum_k response[k] x[t + k]``; see `conv`."""
    return _filter(x, response, sampling_time, causal=False)


def exponential_response(time_constant: float, length: int, sampling_time: float = 1.0):
    """``exp(-k sampling_time / time_constant)`` for ``k = 0 .. length / sampling_time - 1``.

    Args:
      time_constant: Decay time, in the unit of ``sampling_time``.
      length: Length of the response, in the same unit.
      sampling_time: Length of a step.

    Returns:
      ``[length / sampling_time]`` float32.

    Raises:
      ValueError: an argument is not positive.
    """
    check.positive("time_constant", time_constant)
    check.positive("length", length)
    check.positive("sampling_time", sampling_time)
    time = jnp.arange(0, length, sampling_time, dtype=jnp.float32)
    return jnp.exp(-time / time_constant)


def moving_rate(x: jax.Array, window: int | None) -> jax.Array:
    """Mean over time, or the sum of the last ``window`` steps over ``window`` at every step.

    Args:
      x: ``[..., T]`` float32.
      window: Steps, or ``None`` for the whole.

    Returns:
      ``[...]`` without a window, ``[..., T]`` with one (zeros count before the start).

    Raises:
      ValueError: ``window`` is below 1.
    """
    if window is None:
        return jnp.mean(x, axis=-1)
    check.whole("window", window)
    return conv(x, jnp.ones(int(window), x.dtype)).reshape(x.shape) / window


def bank(x: jax.Array, responses: jax.Array, sampling_time: float = 1.0) -> jax.Array:
    """Several causal filters on every channel: output channel ``f C + c`` is filter f on channel c.

    ``y[f C + c, t] = sampling_time sum_k responses[f, k] x[c, t - k]``. Unlike that of `conv`, the
    responses get a gradient.

    Args:
      x: ``[N, C, ..., T]`` float32.
      responses: ``[F, L]`` float32, impulse responses.
      sampling_time: Length of a step.

    Returns:
      ``[N, F C, ..., T]`` float32.

    Raises:
      TypeError: ``x`` is not floating-point.
      ValueError: a shape is wrong, or ``x`` has no time step.
    """
    check.floating("x", x)
    check.rank("x", x, at_least=3, layout="N, C, ..., T")
    check.time_steps("x", x, axis=-1)
    check.rank("responses", responses, at_least=2, at_most=2, layout="F, L")
    check.time_steps("responses", responses, axis=1)
    check.positive("sampling_time", sampling_time)
    filters, length = responses.shape
    y = lax.conv_general_dilated(
        x.reshape(-1, 1, x.shape[-1]),
        (responses.astype(x.dtype) * sampling_time)[:, None, ::-1],  # the primitive correlates
        window_strides=(1,),
        padding=((length - 1, 0),),
        precision=lax.Precision.HIGHEST,
    )
    y = y.reshape(*x.shape[:-1], filters, x.shape[-1])
    y = jnp.moveaxis(y, -2, 1)
    return y.reshape(x.shape[0], -1, *x.shape[2:])


def _filter(x, response, sampling_time, *, causal):
    check.floating("x", x)
    check.rank("x", x, at_least=1, layout="..., T")
    check.time_steps("x", x, axis=-1)
    response = jnp.asarray(response)
    check.rank("response", response, at_least=1, at_most=1, layout="L")
    check.time_steps("response", response, axis=0)
    check.positive("sampling_time", sampling_time)
    x = jnp.atleast_2d(x)
    length = response.shape[0]
    kernel = lax.stop_gradient(jnp.asarray(response, x.dtype)) * sampling_time
    if causal:
        kernel = kernel[::-1]  # the primitive correlates
    padding = (length - 1, 0) if causal else (0, length - 1)
    rows = x.reshape(-1, 1, x.shape[-1])
    y = lax.conv_general_dilated(
        rows,
        kernel[None, None, :],
        window_strides=(1,),
        padding=(padding,),
        precision=lax.Precision.HIGHEST,
    )
    return y.reshape(x.shape)
