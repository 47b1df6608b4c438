"""Surrogate derivatives: what a spike's gradient pretends the step function to be.

A surrogate is a function ``(v, theta) -> ds/dv`` of voltage and threshold. The ones here are
frozen dataclasses with Python numbers, so that equal ones hash alike and nothing retraces; any
hashable callable of that signature will do.

References:
  Shrestha and Orchard, SLAYER: Spike Layer Error Reassignment in Time, 2018.
  Neftci, Mostafa and Zenke, Surrogate Gradient Learning in Spiking Neural Networks, 2019.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

__all__ = [
    "ArcTan",
    "Exponential",
    "FastSigmoid",
    "Gaussian",
    "OneSidedExponential",
    "PhaseExponential",
    "PhaseWindow",
    "StraightThrough",
    "Surrogate",
    "Triangle",
    "phase_derivatives",
]


def __dir__() -> list[str]:
    return __all__


Surrogate = Callable[[jax.Array, jax.Array], jax.Array]
"""``(v, theta) -> ds/dv``, elementwise."""


@dataclasses.dataclass(frozen=True)
class Exponential:
    """Two-sided exponential, the SLAYER spike: ``scale / (2 tau) exp(-|v - theta| / tau)``.

    Attributes:
      tau: Width, in threshold units.
      scale: Height factor.
    """

    tau: float
    scale: float = 1.0

    def __call__(self, v: jax.Array, theta: jax.Array) -> jax.Array:
        """Derivative at voltage ``v``."""
        return self.scale / (2 * self.tau) * jnp.exp(-jnp.abs(v - theta) / self.tau)


@dataclasses.dataclass(frozen=True)
class OneSidedExponential:
    """The SLAYER graded spike: ``scale exp(min(v - theta, 0) / tau)``; full strength above.

    Attributes:
      tau: Width below threshold, in threshold units.
      scale: Height factor.
    """

    tau: float
    scale: float = 1.0

    def __call__(self, v: jax.Array, theta: jax.Array) -> jax.Array:
        """Derivative at voltage ``v``."""
        return self.scale * jnp.exp(jnp.minimum(v - theta, 0.0) / self.tau)


@dataclasses.dataclass(frozen=True)
class FastSigmoid:
    """``scale / (1 + slope |v - theta|)^2``, as in SuperSpike (Zenke and Ganguli, 2018)."""

    slope: float = 25.0
    scale: float = 1.0

    def __call__(self, v: jax.Array, theta: jax.Array) -> jax.Array:
        """Derivative at voltage ``v``."""
        width = 1.0 + self.slope * jnp.abs(v - theta)
        return self.scale / (width * width)


@dataclasses.dataclass(frozen=True)
class ArcTan:
    """``scale / (1 + (pi alpha (v - theta) / 2)^2)``, as in Fang et al., 2021."""

    alpha: float = 2.0
    scale: float = 1.0

    def __call__(self, v: jax.Array, theta: jax.Array) -> jax.Array:
        """Derivative at voltage ``v``."""
        x = 0.5 * jnp.pi * self.alpha * (v - theta)
        return self.scale / (1.0 + x * x)


@dataclasses.dataclass(frozen=True)
class Triangle:
    """``scale max(0, 1 - |v - theta| / width)``, as in Esser et al., 2016."""

    width: float = 1.0
    scale: float = 1.0

    def __call__(self, v: jax.Array, theta: jax.Array) -> jax.Array:
        """Derivative at voltage ``v``."""
        return self.scale * jnp.maximum(1.0 - jnp.abs(v - theta) / self.width, 0.0)


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """``scale exp(-(v - theta)^2 / (2 sigma^2))``, as in Yin, Corradi and Bohte, 2021."""

    sigma: float = 0.5
    scale: float = 1.0

    def __call__(self, v: jax.Array, theta: jax.Array) -> jax.Array:
        """Derivative at voltage ``v``."""
        x = (v - theta) / self.sigma
        return self.scale * jnp.exp(-0.5 * x * x)


@dataclasses.dataclass(frozen=True)
class StraightThrough:
    """``scale`` everywhere: the spike's gradient is that of the identity (Bengio et al., 2013)."""

    scale: float = 1.0

    def __call__(self, v: jax.Array, theta: jax.Array) -> jax.Array:
        """Derivative at voltage ``v``."""
        del theta
        return jnp.full_like(v, self.scale)


@dataclasses.dataclass(frozen=True)
class PhaseExponential:
    """The SLAYER phase spike of a complex state, a product of two exponentials.

    The spike marks an upward zero crossing of the imaginary part while the real part is above
    threshold. With ``x = re - theta``, ``ds/dre = scale d(x) w(im)`` and
    ``ds/dim = -scale / tau sign(im) w(im) h(x)``, where ``w(im) = exp(-|im| / tau) / (2 tau)``,
    ``d`` is `Exponential` (one-sided: `OneSidedExponential`) and ``h`` the step that belongs to it,
    ``(1 + sign(x) (1 - 2 tau d(x))) / 2``.

    Attributes:
      tau: Width, in threshold units.
      scale: Height factor.
      one_sided: For graded spikes.
    """

    tau: float
    scale: float = 1.0
    one_sided: bool = False

    def phase(
        self, real: jax.Array, imag: jax.Array, theta: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Derivatives by the real and by the imaginary part."""
        kind = OneSidedExponential if self.one_sided else Exponential
        along_real = kind(self.tau)(real, theta)
        window = Exponential(self.tau)(imag, jnp.zeros_like(imag))
        step = 0.5 * (1 + jnp.sign(real - theta) * (1 - 2 * self.tau * along_real))
        by_imag = -self.scale / self.tau * jnp.sign(imag) * window * step
        return self.scale * along_real * window, by_imag


@dataclasses.dataclass(frozen=True)
class PhaseWindow(PhaseExponential):
    """`PhaseExponential` along the real part alone: ``ds/dim = 0``.

    A spike marks a crossing of the imaginary part, wherever it lies within the window. The slope
    along that part points from both sides to the crossing, whether a spike helps or not, and is
    larger than the one along the real part; stacks of resonators learn without it.
    """

    def phase(
        self, real: jax.Array, imag: jax.Array, theta: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Derivatives by the real and by the imaginary part."""
        by_real, _ = super().phase(real, imag, theta)
        return by_real, jnp.zeros_like(imag)


def phase_derivatives(
    surrogate: Surrogate | PhaseExponential, real: jax.Array, imag: jax.Array, theta: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Derivatives of a phase spike by the real and the imaginary part of the state.

    Any surrogate ``f(v, theta)`` will do: the spike is taken as a step in the real part times a
    window ``f(im, 0)`` around the zero crossing, so that ``ds/dre = f(re, theta) f(im, 0)`` and
    ``ds/dim = [re >= theta] df(im, 0)/dim``.

    Args:
      surrogate: ``(v, theta) -> derivative``, or one with a method ``phase``.
      real: float32.
      imag: float32, same shape.
      theta: float32, same shape.

    Returns:
      ``(ds/dre, ds/dim)``.
    """
    if hasattr(surrogate, "phase"):
        return surrogate.phase(real, imag, theta)
    zero = jnp.zeros_like(imag)
    window, slope = jax.jvp(lambda v: surrogate(v, zero), (imag,), (jnp.ones_like(imag),))
    above = (real >= theta).astype(real.dtype)
    return surrogate(real, theta) * window, above * slope
