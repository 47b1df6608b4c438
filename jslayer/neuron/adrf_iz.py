"""Resonate-and-fire neuron with an adaptive threshold on the imaginary part (ADRF-IZ)."""

from jslayer.neuron.adrf import AdaptiveResonator
from jslayer.neuron.device import neuron_params as neuron_params
from jslayer.neuron.resonance import decay as decay
from jslayer.neuron.resonance import frequency as frequency
from jslayer.neuron.resonance import lam as lam
from jslayer.neuron.resonance import period as period
from jslayer.ops import resonate_and_fire

__all__ = ["Neuron", "decay", "frequency", "lam", "neuron_params", "period"]


def __dir__() -> list[str]:
    return __all__


class Neuron(AdaptiveResonator):
    """The RF-IZ neuron whose threshold and refraction rise with every spike; no reset.

    Attributes are those of `jslayer.neuron.adrf.AdaptiveResonator`, and of `jslayer.neuron.fields`.

    References:
      Izhikevich, Resonate-and-Fire Neurons, 2001.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.zeros((1, 1, 6)).at[..., 0].set(1.0)
      >>> neuron = Neuron(0.75, 0.25, 8, 0.0, threshold_decay=0.5, refractory_decay=0.5)
      >>> neuron.apply({}, (x, 0 * x))[0, 0]
      Array([0., 0., 1., 0., 0., 0.], dtype=float32)
    """

    record = resonate_and_fire.AdrfIz
    device_type = "ADRF_IZHIKEVICH"
