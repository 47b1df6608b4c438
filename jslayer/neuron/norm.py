"""Batch norms that hardware can hold: a quantised mean, and a power of two as deviation."""

from collections.abc import Callable, Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer import linen
from jslayer.ops import check

Hook = Callable[[jax.Array], jax.Array]


class _Statistics(linen.Module):
    """What the norms share: the axes, the hook and the running statistics."""

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Maps ``[N, C, ...]`` (2 to 5 axes) to the same shape."""
        if not 2 <= x.ndim <= 5:
            raise ValueError(
                f"`x` has shape {x.shape} with {x.ndim} axes, expected [N, C, ...] with "
                "2 to 5 axes; add or remove axes."
            )
        check.floating("x", x)
        check.no_nan("x", x)
        return jnp.moveaxis(self.time_first(jnp.moveaxis(x, 1, -1), train=train), -1, 1)

    def hooked(self, mean: jax.Array) -> jax.Array:
        """The mean as it is taken away."""
        return mean if self.pre_hook is None else self.pre_hook(mean)

    def statistics(self, x: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
        """Mean per channel ``[C]`` and variance of the whole tensor ``[]``, new or running."""
        channels = x.shape[-1]
        if x.ndim < 2 or x.ndim > 5 or self.num_features not in (None, channels):
            raise ValueError(
                f"`x` has {channels} channels and {x.ndim} axes, expected "
                f"{self.num_features or 'any number of'} channels and 2 to 5 axes; "
                "change the data or `num_features`."
            )
        running_mean = self.variable(
            "batch_stats", "running_mean", lambda: jnp.zeros(channels, jnp.float32)
        )
        running_var = self.variable("batch_stats", "running_var", self.first_variance)
        if running_mean.value.shape != (channels,):
            raise ValueError(
                f"`running_mean` has shape {running_mean.value.shape}, expected ({channels},) for "
                "this input; initialise the network with data of the same channels."
            )
        if not train:
            return running_mean.value, running_var.value
        count = x.size // channels
        mean = jnp.mean(x, axis=tuple(range(x.ndim - 1)))
        variance = jnp.var(x)
        if not self.is_initializing():
            weight = self.momentum
            running_mean.value = (1 - weight) * running_mean.value + weight * mean
            running_var.value = (1 - weight) * running_var.value + (
                weight * count / (count + 1) * variance
            )
        return mean, variance

    def bias(self, statistics: Mapping[str, jax.Array], scale: int = 64) -> jax.Array:
        """Bias that stands for this norm in hardware: ``-q(running_mean) scale``, ``[C]``.

        Args:
          statistics: This norm's ``batch_stats``.
          scale: Integer weights per threshold unit.
        """
        return -self.hooked(statistics["running_mean"]) * scale

    @staticmethod
    def first_variance() -> jax.Array:
        """Running variance before the first training step."""
        return jnp.zeros((), jnp.float32)


class MeanOnlyBatchNorm(_Statistics):
    """Takes the mean of each channel away: ``y = x - q(mean_c)``.

    While training the mean is that of the batch (over all axes but the channel, time included) and
    the running mean moves by ``momentum``; otherwise it is the running mean. ``q`` is the hook.

    Attributes:
      num_features: Channels; checked against the input when given.
      momentum: Weight of the newest batch in the running statistics.
      pre_hook: Quantises the mean; inside a neuron it is the neuron's ``quantize_8bit``.
    """

    num_features: int | None = None
    momentum: float = 0.1
    pre_hook: Hook | None = None

    @nn.compact
    def time_first(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """As ``__call__``, with the channel last: ``[..., C]``."""
        mean, _ = self.statistics(x, train)
        return x - self.hooked(mean)


class WgtScaleBatchNorm(_Statistics):
    """Also divides by the deviation, rounded up to a power of two: ``y = (x - q(mean_c)) / 2^e``.

    ``e = clip(ceil(log2(sqrt(variance + eps))), -weight_exp_bits, weight_exp_bits)`` with one
    variance for the whole tensor; no gradient flows through ``e``.

    Attributes:
      num_features: Channels; checked against the input when given.
      momentum: Weight of the newest batch in the running statistics.
      weight_exp_bits: Bound of the exponent.
      eps: Added to the variance.
      pre_hook: Quantises the mean; inside a neuron it is the neuron's ``quantize_8bit``.
    """

    num_features: int | None = None
    momentum: float = 0.1
    weight_exp_bits: int = 3
    eps: float = 1e-5
    pre_hook: Hook | None = None

    @nn.compact
    def time_first(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """As ``__call__``, with the channel last: ``[..., C]``."""
        mean, variance = self.statistics(x, train)
        bits = self.weight_exp_bits
        exponent = jnp.clip(self.exponent(variance), -bits, bits)
        factor = jnp.ldexp(jnp.ones(()), -exponent.astype(jnp.int32))  # exp2 need not be exact
        return (x - self.hooked(mean)) * factor

    def weight_exp(self, statistics: Mapping[str, jax.Array]) -> jax.Array:
        """Exponent of the running deviation, as the network file holds it (not clipped)."""
        return self.exponent(statistics["running_var"])

    def exponent(self, variance: jax.Array) -> jax.Array:
        """``ceil(log2(sqrt(variance + eps)))``."""
        return jnp.ceil(jnp.log2(jnp.sqrt(variance + self.eps)))
