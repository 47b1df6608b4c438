"""Negative log likelihood of the labelled class, from firing rates."""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp

from jslayer.loss.labels import Reduction, class_numbers, class_rates, reduce
from jslayer.ops import check, fixed_point

Mode = Literal["probability", "softmax"]

EPS = 1e-6
"""Added to the sum of the rates."""


def spike_max_loss(
    x: jax.Array,
    label: jax.Array,
    *,
    mode: Mode = "probability",
    moving_window: int | None = None,
    reduction: Reduction = "sum",
    silent_spikes: float = 0.5,
) -> jax.Array:
    """Negative log likelihood of the label: ``-sum log p[label]``.

    ``probability``: ``p = r / (sum_k r_k + 1e-6)``. ``softmax``: ``p = softmax(r)``. ``r`` is the
    mean over time, or the moving rate of every step.

    In probability mode a labelled class that is silent would have p = 0, an infinite loss. There
    alone, every class counts as having spiked ``silent_spikes`` times at least:
    ``p = h / sum_k max(r_k, h)`` with ``h = silent_spikes / steps``. A silent network is then as
    good as chance, and the gradient with respect to the silent class is that at ``h``, so that it
    learns to spike.

    Args:
      x: ``[N, C, ..., T]`` float32 spikes; axes between batch and time are flattened to K classes.
      label: ``[N]`` integers, or ``[N, T]`` with a window.
      mode: How rates become probabilities.
      moving_window: Steps of the window, or ``None``.
      reduction: ``"sum"``, or ``"mean"`` over samples (and steps).
      silent_spikes: Spikes within the window, or the whole time, that a silent class stands for.

    Returns:
      A float32 scalar, finite for rates that are not negative.

    Raises:
      TypeError: ``x`` is not floating-point, or ``label`` not integer.
      ValueError: a shape, the mode or ``silent_spikes`` is wrong, or a class is unknown.
    """
    check.choice("mode", mode, ("probability", "softmax"))
    check.positive("silent_spikes", silent_spikes)
    rate = class_rates(x, moving_window)
    hot = class_numbers(label, rate)
    if mode == "softmax":
        terms = -jnp.sum(jax.nn.log_softmax(rate, axis=1) * hot, axis=1)
    else:
        terms = _surprise(rate, hot, silent_spikes / (moving_window or x.shape[-1]))
    return reduce(terms, reduction)


def _surprise(rate, hot, least):
    """``-log p[label]`` in probability mode, along axis 1."""
    labelled = jnp.sum(rate * hot, axis=1)
    silent = labelled <= 0
    # both branches stay finite, so that the one not taken adds no NaN to the gradient
    total = jnp.where(silent, 1.0, jnp.sum(rate, axis=1) + EPS)
    spoken = jnp.log(total) - jnp.log(jnp.where(silent, 1.0, labelled))
    floor = jnp.where(hot > 0, fixed_point.clamp(rate, least, jnp.inf), jnp.maximum(rate, least))
    unspoken = jnp.log(jnp.sum(floor, axis=1)) - jnp.log(jnp.sum(floor * hot, axis=1))
    return jnp.where(silent, unspoken, spoken)


@dataclasses.dataclass(frozen=True)
class SpikeMax:
    """`spike_max_loss` with its arguments fixed.

    Example:
      >>> import jax.numpy as jnp
      >>> silent = jnp.zeros((1, 2, 10))
      >>> round(float(SpikeMax()(silent, jnp.array([1]))), 4)  # log 2: chance
      0.6931
    """

    moving_window: int | None = None
    mode: Mode = "probability"
    reduction: Reduction = "sum"
    silent_spikes: float = 0.5

    def __call__(self, x: jax.Array, label: jax.Array) -> jax.Array:
        """Loss of outputs ``x`` against class labels."""
        return spike_max_loss(x, label, **dataclasses.asdict(self))
