"""What the losses on classes share: rates, labels and the reduction of terms."""

from typing import Literal

import jax
import jax.numpy as jnp

from jslayer.ops import check
from jslayer.ops.filter import moving_rate

Reduction = Literal["sum", "mean"]


def reduce(terms: jax.Array, reduction: Reduction) -> jax.Array:
    """Sum or mean of all terms, float32.

    Raises:
      ValueError: ``reduction`` is neither.
    """
    check.choice("reduction", reduction, ("sum", "mean"))
    return jnp.sum(terms) if reduction == "sum" else jnp.mean(terms)


def one_hot(label: jax.Array, classes: int) -> jax.Array:
    """``[...]`` integers to ``[..., classes]`` float32; concrete labels out of range raise."""
    if not jnp.issubdtype(jnp.result_type(label), jnp.integer):
        raise TypeError(
            f"`label` has dtype {jnp.result_type(label)}, expected integers; "
            "give class numbers, e.g. `label.astype(jnp.int32)`."
        )
    check.in_range("label", label, 0, classes - 1)
    return jax.nn.one_hot(label, classes, dtype=jnp.float32)


def class_rates(x: jax.Array, moving_window: int | None) -> jax.Array:
    """Rates of the flattened classes: ``[N, K]``, or ``[N, K, T]`` with a window.

    Args:
      x: ``[N, C, ..., T]`` float32 spikes.
      moving_window: Steps of the window, or ``None`` for the mean over time.

    Raises:
      TypeError: ``x`` is not floating-point.
      ValueError: ``x`` has another rank, no sample or no time step, or the window is below 1.
    """
    check.rank("x", x, at_least=3, at_most=5, layout="N, C, ..., T")
    check.samples("x", x)
    check.time_steps("x", x, axis=-1)
    check.floating("x", x)
    return moving_rate(x.reshape(x.shape[0], -1, x.shape[-1]), moving_window)


def class_numbers(label: jax.Array, rate: jax.Array) -> jax.Array:
    """Class numbers as a mask of ones and zeros that broadcasts against ``rate``.

    Args:
      label: ``[N]`` integers, or ``[N, T]`` where the rates are of every step.
      rate: ``[N, K]`` or ``[N, K, T]``.

    Returns:
      ``[N, K]``, ``[N, K, 1]`` or ``[N, K, T]`` float32.

    Raises:
      TypeError: ``label`` is not integer.
      ValueError: ``label`` has another shape, or a class is unknown.
    """
    per_step = rate.ndim == 3
    wanted = (rate.shape[0], rate.shape[-1]) if per_step else rate.shape[:1]
    if jnp.shape(label) not in (wanted, wanted[:1]):
        raise ValueError(
            f"`label` has shape {jnp.shape(label)}, expected {wanted}; give one class per sample"
            + (" or per time step." if per_step else ".")
        )
    hot = one_hot(label, rate.shape[1])
    if not per_step:
        return hot
    return hot[:, :, None] if hot.ndim == 2 else jnp.moveaxis(hot, -1, 1)


def is_multi_hot(label: jax.Array, rate: jax.Array) -> bool:
    """True if ``label`` says of every class how much of it is there: ``[N, K]``, ``[N, K, T]``."""
    return jnp.ndim(label) > 1 and jnp.shape(label) in (rate.shape, rate.shape[:2])


def multi_hot(label: jax.Array, rate: jax.Array) -> jax.Array:
    """A multi-hot label as float32 that broadcasts against ``rate``.

    Args:
      label: ``[N, K]``, or ``[N, K, T]`` where the rates are of every step; numbers in [0, 1] or
        booleans.
      rate: ``[N, K]`` or ``[N, K, T]``.

    Raises:
      ValueError: ``label`` has another shape, or a number lies outside of [0, 1].
    """
    if not is_multi_hot(label, rate):
        raise ValueError(
            f"`label` has shape {jnp.shape(label)}, expected ({rate.shape[0]},) class numbers, or "
            f"{' or '.join(map(str, dict.fromkeys((rate.shape[:2], rate.shape))))}, zero or one "
            "for every class; give one of them."
        )
    check.in_range("label", label, 0, 1)
    label = jnp.asarray(label).astype(jnp.float32)
    return label[..., None] if label.ndim < rate.ndim else label
