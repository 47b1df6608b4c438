"""Filters as callables and modules over `jslayer.ops.filter`."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer import linen
from jslayer.ops import check
from jslayer.ops.filter import bank as bank
from jslayer.ops.filter import conv as conv
from jslayer.ops.filter import corr as corr
from jslayer.ops.filter import exponential_response
from jslayer.ops.filter import moving_rate as moving_rate

__all__ = ["FIR", "FIRBank", "bank", "conv", "corr"]


def __dir__() -> list[str]:
    return __all__


@dataclasses.dataclass(frozen=True)
class FIR:
    """Causal filter with a finite response, exponential unless given.

    Attributes:
      fir_response: ``[L]`` impulse response, or ``None`` for ``exp(-t / time_constant)``.
      time_constant: Decay time of the exponential.
      length: Length of the exponential, in the unit of ``time_constant``.
      sampling_time: Length of a step.

    Example:
      >>> import jax.numpy as jnp
      >>> FIR(fir_response=jnp.array([1.0, 0.5]))(jnp.array([[1.0, 0.0, 0.0]]))
      Array([[1. , 0.5, 0. ]], dtype=float32)
    """

    fir_response: jax.Array | None = None
    time_constant: float = 1
    length: int = 20
    sampling_time: float = 1

    @property
    def response(self) -> jax.Array:
        """The impulse response."""
        if self.fir_response is not None:
            return jnp.asarray(self.fir_response, jnp.float32)
        return exponential_response(self.time_constant, self.length, self.sampling_time)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Filters ``[..., T]`` along time; the length is kept."""
        return conv(x, self.response, self.sampling_time)


class FIRBank(linen.Module):
    """A bank of learned causal filters, each applied to every channel.

    The parameter ``weight`` is ``[F, L]``, at first uniform in ``+-scale / sqrt(L)``; filter f has
    the impulse response ``weight[f, ::-1]``.

    Attributes:
      num_filter: Filters, F.
      filter_length: Length of a response, in the unit of ``sampling_time``;
        ``L = filter_length / sampling_time`` steps.
      sampling_time: Length of a step.
      scale: Factor on the first weights.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> bank, x = FIRBank(num_filter=3, filter_length=5), jnp.ones((2, 4, 10))
      >>> bank.apply(bank.init(jax.random.key(0), x), x).shape
      (2, 12, 10)
    """

    num_filter: int
    filter_length: float
    sampling_time: float = 1
    scale: float = 1

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps ``[N, C, ..., T]`` to ``[N, F C, ..., T]``; channel ``f C + c`` is filter f on c."""
        check.whole("num_filter", self.num_filter)
        check.positive("sampling_time", self.sampling_time)
        length = int(self.filter_length / self.sampling_time)
        check.whole("filter_length / sampling_time", length)
        reach = self.scale / length**0.5
        draw = lambda key, shape: jax.random.uniform(key, shape, jnp.float32, -reach, reach)
        weight = self.param("weight", draw, (self.num_filter, length))
        return bank(x, self.impulse_responses(weight), self.sampling_time)

    @staticmethod
    def impulse_responses(weight: jax.Array) -> jax.Array:
        """``[F, L]`` impulse responses of a stored weight."""
        return weight[:, ::-1]
