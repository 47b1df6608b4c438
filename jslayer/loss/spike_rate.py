"""Distance of firing rates to target rates."""

import dataclasses

import jax
import jax.numpy as jnp

from jslayer.loss.labels import (
    Reduction,
    class_numbers,
    class_rates,
    is_multi_hot,
    multi_hot,
    reduce,
)
from jslayer.ops import check


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

    ``target`` is ``true_rate`` for the labelled classes and ``false_rate`` for the others; ``r`` is
    the mean over time, or the moving rate of every step.

    Args:
      x: ``[N, C, ..., T]`` float32 spikes; axes between batch and time are flattened to K classes.
      label: ``[N]`` integers, or ``[N, T]`` with a window; or multi-hot, booleans or floats in
        [0, 1]: ``[N, K]``, or ``[N, K, T]`` with a window.
      true_rate: Rate of the right class, in spikes per step.
      false_rate: Rate of the others.
      moving_window: Steps of the window, or ``None``.
      reduction: ``"sum"`` or ``"mean"`` over all terms.

    Returns:
      A float32 scalar.

    Raises:
      TypeError: ``label`` is neither integer nor multi-hot.
      ValueError: a rate is outside [0, 1], ``label`` has the wrong shape, or a class is unknown.
    """
    check.in_range("true_rate", true_rate, 0, 1)
    check.in_range("false_rate", false_rate, 0, 1)
    rate = class_rates(x, moving_window)
    # two axes of integers are classes per step
    numbers = jnp.issubdtype(jnp.result_type(label), jnp.integer) and jnp.ndim(label) < 3
    told = not numbers and is_multi_hot(label, rate)
    hot = multi_hot(label, rate) if told else class_numbers(label, rate)
    target = false_rate + (true_rate - false_rate) * hot
    return reduce((rate - target) ** 2, reduction)


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
