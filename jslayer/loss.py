"""Losses on spike trains: small callables over pure functions.

All take outputs ``[N, C, ..., T]``, reduce with ``"sum"`` (default) or ``"mean"`` over all terms,
and can be used inside `jax.grad`.
"""

import dataclasses
import functools
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.ops import check, filter

Reduction = Literal["sum", "mean"]


def _reduce(terms: jax.Array, reduction: str) -> jax.Array:
    check.choice("reduction", reduction, ("sum", "mean"))
    return jnp.sum(terms) if reduction == "sum" else jnp.mean(terms)


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
    shape = x.shape
    return filter.conv(x, jnp.ones(int(window), x.dtype)).reshape(shape) / window


def one_hot(label: jax.Array, classes: int) -> jax.Array:
    """``[...]`` integers to ``[..., classes]`` float32; concrete labels out of range raise."""
    if not jnp.issubdtype(jnp.result_type(label), jnp.integer):
        raise TypeError(
            f"`label` has dtype {jnp.result_type(label)}, expected integers; "
            "give class numbers, e.g. `label.astype(jnp.int32)`."
        )
    check.in_range("label", label, 0, classes - 1)
    return jax.nn.one_hot(label, classes, dtype=jnp.float32)


@functools.lru_cache(maxsize=64)
def _response(time_constant: float, length: int, order: int) -> np.ndarray:
    """``exp(-k / time_constant)`` convolved with itself ``order - 1`` times, cut to ``length``."""
    base = np.exp(-np.arange(length) / time_constant)
    response = base
    for _ in range(order - 1):
        response = np.convolve(response, base)[:length]
    return response.astype(np.float32)


def spike_time_loss(
    x: jax.Array,
    desired: jax.Array,
    *,
    time_constant: float = 5,
    length: int = 100,
    filter_order: int = 1,
    reduction: Reduction = "sum",
) -> jax.Array:
    """Van Rossum distance of spike trains: ``sum (f * (x - desired))^2``.

    ``f[k] = exp(-k / time_constant)`` for ``k < length``; of order n it is convolved with itself
    n - 1 times.

    Args:
      x: ``[N, C, ..., T]`` float32 spikes.
      desired: Spikes wanted, same shape.
      time_constant: Decay of the filter, in steps.
      length: Length of the filter, in steps.
      filter_order: Number of filters in a row.
      reduction: ``"sum"`` or ``"mean"`` over all entries.

    Returns:
      A float32 scalar.

    Raises:
      ValueError: the shapes differ or an argument is out of range.

    References:
      van Rossum, A Novel Spike Distance, Neural Computation 13, 2001.
    """
    check.rank("x", x, at_least=3, at_most=5, layout="N, C, ..., T")
    check.floating("x", x)
    if jnp.shape(x) != jnp.shape(desired):
        raise ValueError(
            f"`desired` has shape {jnp.shape(desired)}, expected that of `x` {jnp.shape(x)}; "
            "give one train per output."
        )
    check.positive("time_constant", time_constant)
    check.whole("length", length)
    check.whole("filter_order", filter_order)
    response = jnp.asarray(_response(float(time_constant), int(length), int(filter_order)))
    return _reduce(filter.conv(x - desired, response) ** 2, reduction)


def spike_rate_loss(
    x: jax.Array,
    label: jax.Array,
    *,
    true_rate: float,
    false_rate: float,
    moving_window: int | None = None,
    reduction: Reduction = "sum",
) -> jax.Array:
    """Squared distance of firing rates to a target: ``sum (r - target)^2``.

    ``target`` is ``true_rate`` for the labelled class and ``false_rate`` for the others; ``r`` is
    the mean over time, or the moving rate of every step.

    Args:
      x: ``[N, C, ..., T]`` float32 spikes; axes between batch and time are flattened to classes.
      label: ``[N]`` integers, or ``[N, T]`` with a window.
      true_rate: Rate of the right class, in spikes per step.
      false_rate: Rate of the others.
      moving_window: Steps of the window, or ``None``.
      reduction: ``"sum"`` or ``"mean"`` over all terms.

    Returns:
      A float32 scalar.

    Raises:
      TypeError: ``label`` is not integer.
      ValueError: a rate is outside [0, 1], ``label`` has the wrong shape, or a class is unknown.
    """
    check.in_range("true_rate", true_rate, 0, 1)
    check.in_range("false_rate", false_rate, 0, 1)
    check.rank("x", x, at_least=3, at_most=5, layout="N, C, ..., T")
    check.time_steps("x", x, axis=-1)
    check.floating("x", x)
    flat = x.reshape(x.shape[0], -1, x.shape[-1])
    rate = moving_rate(flat, moving_window)
    wanted = (flat.shape[0],) if moving_window is None else (flat.shape[0], flat.shape[-1])
    if jnp.shape(label) not in (wanted, wanted[:1]):
        raise ValueError(
            f"`label` has shape {jnp.shape(label)}, expected {wanted}; give one class per sample"
            + (" or per time step." if moving_window else ".")
        )
    hot = one_hot(label, flat.shape[1])
    if moving_window is not None:
        hot = hot[:, :, None] if hot.ndim == 2 else jnp.moveaxis(hot, -1, 1)
    target = false_rate + (true_rate - false_rate) * hot
    return _reduce((rate - target) ** 2, reduction)


@dataclasses.dataclass(frozen=True)
class SpikeTime:
    """`spike_time_loss` with its arguments fixed.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.zeros((1, 1, 3)).at[0, 0, 0].set(1)
      >>> float(SpikeTime(length=1)(x, jnp.zeros_like(x)))
      1.0
    """

    time_constant: float = 5
    length: int = 100
    filter_order: int = 1
    reduction: Reduction = "sum"

    def __call__(self, x: jax.Array, desired: jax.Array) -> jax.Array:
        """Loss of outputs ``x`` against the desired trains."""
        return spike_time_loss(x, desired, **dataclasses.asdict(self))


@dataclasses.dataclass(frozen=True)
class SpikeRate:
    """`spike_rate_loss` with its arguments fixed.

    Example:
      >>> import jax.numpy as jnp
      >>> loss = SpikeRate(true_rate=0.5, false_rate=0.0)
      >>> float(loss(jnp.zeros((1, 2, 10)), jnp.array([1])))
      0.25
    """

    true_rate: float
    false_rate: float
    moving_window: int | None = None
    reduction: Reduction = "sum"

    def __call__(self, x: jax.Array, label: jax.Array) -> jax.Array:
        """Loss of outputs ``x`` against class labels."""
        return spike_rate_loss(x, label, **dataclasses.asdict(self))
