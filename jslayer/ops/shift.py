"""Whole-step shifts along time, with zeros or a kept tail coming in."""

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.ops import check


def shift(x: jax.Array, shift_val: jax.Array | float, sampling_time: float = 1) -> jax.Array:
    """Moves signals in time: ``y[t] = x[t - k]`` with ``k = trunc(shift_val / sampling_time)``.

    Positive is later. Zeros come in. The gradient shifts back; ``shift_val`` gets none.

    Args:
      x: ``[..., T]`` float32.
      shift_val: A number, one per channel, or one per neuron of the axes between batch and time.
      sampling_time: Length of a step, in the unit of ``shift_val``.

    Returns:
      float32, shaped like ``x``.

    Raises:
      ValueError: ``shift_val`` does not broadcast to the neurons.
    """
    check.positive("sampling_time", sampling_time)
    check.rank("x", x, at_least=1, layout="..., T")
    check.time_steps("x", x, axis=-1)
    check.no_nan("shift_val", shift_val)
    steps = jnp.trunc(jnp.asarray(shift_val, jnp.float32) / sampling_time).astype(jnp.int32)
    if steps.size == 1:
        steps = steps.reshape(())
    elif steps.ndim == 1 and x.ndim > 3:
        check.broadcasts("shift_val", steps, to=x.shape[1:2], meaning="channels")
        steps = steps.reshape(-1, *(1,) * (x.ndim - 3))
    else:
        check.broadcasts("shift_val", steps, to=x.shape[1:-1])
    length = x.shape[-1]
    source = jnp.arange(length, dtype=jnp.int32) - steps[..., None]
    source = jnp.broadcast_to(source, x.shape)
    taken = jnp.take_along_axis(x, jnp.clip(source, 0, length - 1), axis=-1)
    return jnp.where((source >= 0) & (source < length), taken, jnp.zeros_like(taken))


def step_delay(x: jax.Array, before: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
    """Delays time-first signals by one step.

    ``y[0] = before``, ``y[t] = x[t-1]``: the time that a spike needs to the next layer.

    Args:
      x: ``[T, ...]``.
      before: ``[...]``, what the last call held back; zeros if ``None``.

    Returns:
      The delayed signal, shaped like ``x``, and what is held back now, ``x[T-1]``.

    Raises:
      ValueError: ``before`` is not one step of ``x``.
    """
    if before is None:
        before = jnp.zeros_like(x[0])
    check.one_step("before", before, of="x", like=x)
    return jnp.concatenate([before[None], x[:-1]]), x[-1]


def replicate(x: jax.Array, num_steps: int) -> jax.Array:
    """Repeats a still input over time: a new last axis of ``num_steps``."""
    if num_steps < 1 or num_steps != int(num_steps):
        raise ValueError(
            f"`num_steps` is {num_steps}, expected a whole number of at least 1; choose another."
        )
    return jnp.broadcast_to(jnp.asarray(x)[..., None], (*np.shape(x), int(num_steps)))
