"""Products of events with a weight, read in the order in which recordings come.

Events from outside have time last, `[N, C, T]`, and are booleans. Turned to time first and to
floats as a whole they would fill a large array only to be read twice; here one part after the
other is turned, and stays in the cache.
"""

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import layout
from jslayer.ops.forward_mode import reverse_only

PART = 32
"""Most time steps that are turned at once."""


def event_product(x: jax.Array, weight: jax.Array) -> jax.Array:
    """``z[t, n] = W x[t, n]`` for boolean events; the gradient is the weight's.

    Args:
      x: ``[T, N, C]`` booleans; turning the recording ``[N, C, T]`` costs nothing here, since it is
        turned back and both cancel in the compiler.
      weight: ``[O, C]``, whose type is that of the factors.

    Returns:
      ``[T, N, O]`` float32.
    """
    if not layout.one_device():
        return product(x.astype(weight.dtype), weight)
    return reverse_only(_event_product)(jnp.moveaxis(x, 0, -1), weight)


def product(x: jax.Array, weight: jax.Array) -> jax.Array:
    """``W x`` over the last axis of ``x``, in float32; both factors have one type."""
    if not layout.one_device():
        return _dot(x, weight, (x.ndim - 1,), (1,))
    # with one row axis, the gradient's product turns no array of all steps
    rows = _dot(x.reshape(-1, x.shape[-1]), weight, (1,), (1,))
    return rows.reshape(*x.shape[:-1], weight.shape[0])


def _summed(x, weight):
    """On ``[N, C, T]``."""
    return lax.platform_dependent(x, weight, cpu=_in_parts, default=_at_once)


_event_product = jax.custom_vjp(_summed)


def _forward(x, weight):
    return _summed(x, weight), x


def _backward(x, z_bar):
    weight_bar = lax.platform_dependent(x, z_bar, cpu=_sample_by_sample, default=_all_samples)
    return None, weight_bar


_event_product.defvjp(_forward, _backward)


def _at_once(x, weight):
    return product(jnp.moveaxis(x, -1, 0).astype(weight.dtype), weight)


def _in_parts(x, weight):
    """Parts of time; the last overlaps the one before, with the same values."""
    samples, _, steps = x.shape
    parts = -(-steps // PART)
    part = -(-steps // parts)  # of equal lengths as far as they go, to do little twice

    def one(number, z):
        start = jnp.minimum(number * part, steps - part)
        turned = _at_once(lax.dynamic_slice_in_dim(x, start, part, axis=2), weight)
        return lax.dynamic_update_slice_in_dim(z, turned, start, axis=0)

    z = jnp.zeros((steps, samples, weight.shape[0]), jnp.float32)
    return lax.fori_loop(0, parts, one, z)


def to_weight(x: jax.Array, z_bar: jax.Array) -> jax.Array:
    """The weight's cotangent ``[O, C]`` of `product`, for ``[T, N, C]`` and ``[T, N, O]``."""
    return _dot(z_bar, x, (0, 1), (0, 1))


def _all_samples(x, z_bar):
    return to_weight(jnp.moveaxis(x, -1, 0).astype(jnp.float32), z_bar)


def _sample_by_sample(x, z_bar):
    """A recording is the left side of a product as it lies there, ``[C, T]``."""

    def one(total, number):
        events = lax.dynamic_index_in_dim(x, number, axis=0, keepdims=False).astype(jnp.float32)
        bar = lax.dynamic_index_in_dim(z_bar, number, axis=1, keepdims=False)
        return total + _dot(events, bar, (1,), (0,)), None

    total = jnp.zeros((x.shape[1], z_bar.shape[2]), jnp.float32)
    return lax.scan(one, total, jnp.arange(x.shape[0]))[0].T


def _dot(a, b, axes_a, axes_b):
    # full precision keeps sums of graded spikes exact where the default would round inputs
    return lax.dot_general(
        a,
        b,
        ((axes_a, axes_b), ((), ())),
        precision=lax.Precision.HIGHEST,
        preferred_element_type=jnp.float32,
    )
