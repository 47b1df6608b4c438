"""Distance of spike trains in time."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.loss.labels import Reduction, reduce
from jslayer.ops import check, filter


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
    check.samples("x", x)
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
    return reduce(filter.conv(x - desired, response) ** 2, reduction)


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

    def filter(self, x: jax.Array) -> jax.Array:
        """Spike trains ``[..., T]`` as the loss compares them, filtered ``filter_order`` times."""
        response = _response(float(self.time_constant), int(self.length), int(self.filter_order))
        return filter.conv(x, jnp.asarray(response))

    def __call__(self, x: jax.Array, desired: jax.Array) -> jax.Array:
        """Loss of outputs ``x`` against the desired trains."""
        return spike_time_loss(x, desired, **dataclasses.asdict(self))
