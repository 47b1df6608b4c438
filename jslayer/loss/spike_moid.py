"""Binary cross entropy of every class alone, for labels of several classes at once."""

import dataclasses

import jax
import jax.numpy as jnp

from jslayer.loss.labels import Reduction, class_numbers, class_rates, multi_hot, reduce
from jslayer.ops import check

LOWEST_LOG = -100.0
"""Where logarithms end, so that a sure mistake costs no infinity."""


def spike_moid_loss(
    x: jax.Array,
    label: jax.Array,
    *,
    moving_window: int | None = None,
    alpha: float = 1,
    theta: float = 0,
    reduction: Reduction = "sum",
) -> jax.Array:
    """Binary cross entropy of ``p = sigmoid((r - theta) / alpha)`` with labels in {0, 1}.

    ``-sum (y log p + (1 - y) log(1 - p))`` over samples and classes, with logarithms cut at -100.
    ``r`` is the mean over time, or the moving rate of every step.

    Args:
      x: ``[N, C, ..., T]`` float32 spikes; axes between batch and time are flattened to K classes.
      label: Zero or one for every class, of any dtype: ``[N, K]``, or ``[N, K, T]`` with a window;
        or ``[N]`` class numbers.
      moving_window: Steps of the window, or ``None``.
      alpha: Width of the sigmoid, in spikes per step.
      theta: Rate at which p is a half.
      reduction: ``"sum"`` or ``"mean"`` over all terms.

    Returns:
      A float32 scalar.

    Raises:
      TypeError: ``x`` is not floating-point, or ``label`` has one axis and is not integer.
      ValueError: a shape or an argument is wrong, or a label lies outside of [0, 1].
    """
    check.positive("alpha", alpha)
    check.finite("theta", theta)
    rate = class_rates(x, moving_window)
    y = class_numbers(label, rate) if jnp.ndim(label) == 1 else multi_hot(label, rate)
    z = (rate - theta) / alpha
    log = lambda z: jnp.maximum(jax.nn.log_sigmoid(z), LOWEST_LOG)
    return reduce(-(y * log(z) + (1 - y) * log(-z)), reduction)


@dataclasses.dataclass(frozen=True)
class SpikeMoid:
    """`spike_moid_loss` with its arguments fixed.

    Example:
      >>> import jax.numpy as jnp
      >>> x, label = jnp.ones((1, 2, 10)), jnp.array([[1, 0]])
      >>> round(float(SpikeMoid(alpha=0.5, theta=0.5)(x, label)), 4)
      1.6265
    """

    moving_window: int | None = None
    reduction: Reduction = "sum"
    alpha: float = 1
    theta: float = 0

    def __call__(self, x: jax.Array, label: jax.Array) -> jax.Array:
        """Loss of outputs ``x`` against multi-hot labels or class numbers."""
        return spike_moid_loss(x, label, **dataclasses.asdict(self))
