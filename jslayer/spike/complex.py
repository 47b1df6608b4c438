"""Spikes of a phase by the old library's name; `jslayer.ops.spike.phase_spike`."""

import jax
import jax.numpy as jnp

from jslayer.ops.spike import phase_spike
from jslayer.ops.surrogate import PhaseExponential

__all__ = ["Spike"]


def __dir__() -> list[str]:
    return __all__


class Spike:
    """`jslayer.ops.spike.phase_spike`, time last, called by ``apply``."""

    @staticmethod
    def apply(
        real: jax.Array,
        imag: jax.Array,
        threshold: jax.Array | float,
        tau_rho: float,
        scale_rho: float,
        graded_spike: bool,
        imag_last: jax.Array | float,
        scale: float,
    ) -> jax.Array:
        """Spikes of a complex state at phase zero, if its real part reaches the threshold then.

        Args:
          real: ``[..., T]`` float32, in threshold units.
          imag: ``[..., T]`` float32.
          threshold: A number, or an array shaped like ``real``.
          tau_rho: Width of the surrogate.
          scale_rho: Its height.
          graded_spike: Send the real part, divided by ``scale``.
          imag_last: ``[...]`` or a number, the imaginary part before the first step.
          scale: Divides graded spikes.

        Returns:
          float32 spikes, shaped like ``real``.
        """
        first = lambda x: jnp.moveaxis(x, -1, 0)
        y = phase_spike(
            first(real),
            first(imag),
            first(jnp.asarray(threshold)) if jnp.ndim(threshold) else threshold,
            imag_last,
            surrogate=PhaseExponential(tau_rho, scale_rho, one_sided=graded_spike),
            graded=graded_spike,
            scale=scale,
        )
        return jnp.moveaxis(y, 0, -1)
