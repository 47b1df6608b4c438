"""Filters as callables over `jslayer.ops.filter`."""

import dataclasses

import jax
import jax.numpy as jnp

from jslayer.ops.filter import conv as conv
from jslayer.ops.filter import corr as corr
from jslayer.ops.filter import exponential_response


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
