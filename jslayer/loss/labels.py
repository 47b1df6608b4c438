"""What the losses on classes share: rates, labels and the reduction of terms."""

import contextvars
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jslayer.ops import check
from jslayer.ops.filter import moving_rate

Reduction = Literal["sum", "mean"]


@dataclasses.dataclass(frozen=True)
class Range:
    """What a loss asks of its labels: numbers in ``[low, high]``.

    Attributes:
      low: Least.
      high: Largest.
      advice: What to do where they are not.
    """

    low: int
    high: int
    advice: str

    def require(self, label: Any) -> None:
        """Raises ``ValueError`` for a concrete ``label`` out of range; a traced one passes."""
        check.in_range("label", label, self.low, self.high, advice=self.advice)

    def required(self, label: Any, hot: jax.Array) -> jax.Array:
        """``hot``, one row ``[..., K]`` for each label; NaN where a traced label is out of range.

        Raises:
          ValueError: a concrete label is out of range.
        """
        self.require(label)
        if check.is_concrete(label):
            return hot
        notes = _notes.get()
        if notes is not None:
            notes.append((label, self))
        if not jnp.issubdtype(label.dtype, jnp.floating):
            label = label.astype(jnp.int32)  # a boolean or byte may not compare with these numbers
        fine = (label >= self.low) & (label <= self.high)
        return jnp.where(fine.reshape(fine.shape + (1,) * (hot.ndim - fine.ndim)), hot, jnp.nan)


_notes: contextvars.ContextVar[list[tuple[Any, Range]] | None] = contextvars.ContextVar(
    "notes", default=None
)


@contextmanager
def noting() -> Iterator[list[tuple[Any, Range]]]:
    """Inside, what losses ask of traced labels is listed: for those who know the numbers."""
    notes: list[tuple[Any, Range]] = []
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


def reduce(terms: jax.Array, reduction: Reduction) -> jax.Array:
    """Sum or mean of all terms, float32.

    Raises:
      ValueError: ``reduction`` is neither.
    """
    check.choice("reduction", reduction, ("sum", "mean"))
    return jnp.sum(terms) if reduction == "sum" else jnp.mean(terms)


def one_hot(label: jax.Array, classes: int) -> jax.Array:
    """``[...]`` integers to ``[..., classes]`` float32.

    Concrete labels out of range raise; of traced ones each makes a row of NaN, so that the loss is
    no number either.
    """
    if not jnp.issubdtype(jnp.result_type(label), jnp.integer):
        raise TypeError(
            f"`label` has dtype {jnp.result_type(label)}, expected integers; "
            "give class numbers, e.g. `label.astype(jnp.int32)`."
        )
    known = Range(0, classes - 1, f"the network has {classes} outputs, so count classes from 0")
    return known.required(label, jax.nn.one_hot(label, classes, dtype=jnp.float32))


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
    share = Range(0, 1, "of every class say how much of it is there, 0 to 1")
    hot = share.required(label, jnp.asarray(label).astype(jnp.float32))
    return hot[..., None] if hot.ndim < rate.ndim else hot
