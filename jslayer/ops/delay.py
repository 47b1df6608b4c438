"""Learnable delays: one per channel, cut to whole steps; the gradient is the signal's slope."""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import check, layout
from jslayer.ops.forward_mode import reverse_only


def delay(
    x: jax.Array,
    delay: jax.Array,
    tail: jax.Array | None = None,
    *,
    sampling_time: float = 1.0,
    grad_scale: float = 1.0,
    shift: int = 0,
) -> tuple[jax.Array, jax.Array | None]:
    """Delays time-first signals: ``y[t, ..., c] = x[t - k_c, ..., c]``.

    ``k_c = floor(delay_c / sampling_time) + shift``; zeros, or the tail, come in.

    Backward, ``x_bar`` is the cotangent moved back by the same steps and
    ``delay_bar_c = -grad_scale sum_t y_bar[t] (y[t] - y[t-1])``: the slope of the delayed signal.

    Args:
      x: ``[T, ..., C]`` float32.
      delay: ``[C]`` or ``[]`` float32, not negative, in the unit of ``sampling_time``.
      tail: ``[K, ..., C]``, the last inputs of the call before, oldest first, with ``K`` above the
        largest ``k``; ``None`` stands for zeros and keeps no tail.
      sampling_time: Length of a step.
      grad_scale: Factor on the gradient of ``delay``.
      shift: Steps that every channel waits besides.

    Returns:
      The delayed signal and the tail for the next call (``None`` without a tail).

    Raises:
      TypeError: ``x`` is not floating-point.
      ValueError: shapes do not fit, or ``sampling_time`` is not positive.

    Example:
      >>> delay(jnp.array([[1.0], [2.0], [3.0]]), jnp.array([1.5]))[0][:, 0]
      Array([0., 1., 2.], dtype=float32)
    """
    check.floating("x", x)
    check.rank("x", x, at_least=1, layout="T, ..., C")
    check.time_steps("x", x, axis=0)
    check.positive("sampling_time", sampling_time)
    channels = x.shape[-1:] if x.ndim > 1 else ()
    check.broadcasts("delay", delay, to=channels, meaning="channels")
    check.no_nan("delay", delay)
    check.in_range("delay", delay, 0, jnp.inf)
    delay = jnp.broadcast_to(jnp.asarray(delay, jnp.float32), channels)
    x, delay, tail = layout.vary_alike(x, delay, tail)
    if tail is None:
        return reverse_only(_delay)(sampling_time, grad_scale, shift, 0, x, delay), None
    if tail.shape[1:] != x.shape[1:]:
        raise ValueError(
            f"`tail` has shape {tail.shape}, expected [K, *one step of `x`] with steps of shape "
            f"{x.shape[1:]}; pass the tail of the same batch and neurons, or a fresh one."
        )
    if check.is_concrete(delay):
        longest = int(jnp.max(_steps(delay, sampling_time, shift)))
        if tail.shape[0] <= longest:
            raise ValueError(
                f"`tail` has {tail.shape[0]} steps, expected more than the longest delay, "
                f"{longest}; keep a longer tail."
            )
    joined = jnp.concatenate([tail, x])
    given = (sampling_time, grad_scale, shift, tail.shape[0], joined, delay)
    return reverse_only(_delay)(*given), joined[x.shape[0] :]


def _steps(delay, sampling_time, shift):
    return jnp.trunc(delay / sampling_time).astype(jnp.int32) + shift


def _take(x, source):
    """``x[source[t, c], ..., c]``, zero where the source lies outside."""
    middle = (1,) * (x.ndim - source.ndim)
    source = source.reshape(source.shape[:1] + middle + source.shape[1:])
    inside = (source >= 0) & (source < x.shape[0])
    index = jnp.clip(jnp.broadcast_to(source, source.shape[:1] + x.shape[1:]), 0, x.shape[0] - 1)
    taken = jnp.take_along_axis(x, index, axis=0)
    return jnp.where(inside, taken, jnp.zeros_like(taken))


def _times(first, last, delay):
    """Rows of time indices, one column per channel."""
    return jnp.arange(first, last, dtype=jnp.int32).reshape((-1,) + (1,) * delay.ndim)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2, 3))
def _delayed(sampling_time, grad_scale, shift, kept, x, delay):
    """``x`` starts with the ``kept`` steps of the tail; they are left out of the result."""
    del grad_scale
    return _take(x, _times(kept, x.shape[0], delay) - _steps(delay, sampling_time, shift))


@_delayed.defjvp
def _delayed_jvp(sampling_time, grad_scale, shift, kept, primals, tangents):
    """For derivatives of the gradient; that itself is the cheaper form below."""
    (x, delay), (x_dot, delay_dot) = primals, tangents
    source = _times(kept - 1, x.shape[0], delay) - _steps(delay, sampling_time, shift)
    taken = _take(x, source)
    slope = taken[1:] - taken[:-1]
    moved = _take(x_dot, source[1:])
    return taken[1:], moved - grad_scale * delay_dot * slope


# The gradient in reverse mode is written out: what JAX makes of the above scatters.
_delay = jax.custom_vjp(_delayed, nondiff_argnums=(0, 1, 2, 3))


def _delay_fwd(sampling_time, grad_scale, shift, kept, x, delay):
    return _delayed(sampling_time, grad_scale, shift, kept, x, delay), (x, delay)


def _delay_bwd(sampling_time, grad_scale, shift, kept, residuals, y_bar):
    x, delay = residuals
    source = _times(-kept, y_bar.shape[0], delay) + _steps(delay, sampling_time, shift)
    x_bar = _take(y_bar, source)
    # sum y_bar[t] (y[t] - y[t-1]), summed by parts: the delayed signal is not needed again
    slope = x_bar - jnp.concatenate([x_bar[1:], jnp.zeros_like(x_bar[:1])])
    return x_bar, -grad_scale * _sum_rows(x * slope, delay)


def _sum_rows(x, like):
    """Sums all axes that ``like`` lacks, as a product: a CPU reduces columns slowly."""
    axes = tuple(range(x.ndim - like.ndim))
    ones = jnp.ones(x.shape[: len(axes)], x.dtype)
    return lax.dot_general(ones, x, ((axes, axes), ((), ())), precision=lax.Precision.HIGHEST)


_delay.defvjp(_delay_fwd, _delay_bwd)
