"""Spike functions by the old library's names; `jslayer.ops.spike`."""

import jax

from jslayer.ops.spike import spike
from jslayer.ops.surrogate import Exponential, OneSidedExponential
from jslayer.spike import complex as complex

__all__ = ["Spike", "complex"]


def __dir__() -> list[str]:
    return __all__


class Spike:
    """`jslayer.ops.spike.spike` with the surrogate derivative of SLAYER, called by ``apply``."""

    @staticmethod
    def apply(
        voltage: jax.Array,
        threshold: jax.Array | float,
        tau_rho: float,
        scale_rho: float,
        graded_spike: bool,
        voltage_last: jax.Array | float,
        scale: float,
    ) -> jax.Array:
        """Spikes where the voltage reaches the threshold.

        Args:
          voltage: float32, any shape, in threshold units.
          threshold: Broadcastable to ``voltage``; its gradient is that of the step, which lava-dl
            leaves out.
          tau_rho: Width of the surrogate.
          scale_rho: Its height.
          graded_spike: Send the voltage that crossed, divided by ``scale``.
          voltage_last: Has no influence, here as there.
          scale: Divides graded spikes.

        Returns:
          float32 spikes, shaped like ``voltage``.

        Example:
          >>> import jax.numpy as jnp
          >>> Spike.apply(jnp.array([0.5, 1.0]), 1.0, 0.1, 1.0, False, 0.0, 64)
          Array([0., 1.], dtype=float32)
        """
        del voltage_last
        kind = OneSidedExponential if graded_spike else Exponential
        surrogate = kind(tau=tau_rho, scale=scale_rho)
        return spike(voltage, threshold, surrogate=surrogate, graded=graded_spike, scale=scale)
