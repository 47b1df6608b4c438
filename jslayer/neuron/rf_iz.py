"""Resonate-and-fire neuron with Izhikevich's reset (RF-IZ)."""

from jslayer.neuron.device import neuron_params as neuron_params
from jslayer.neuron.resonance import decay as decay
from jslayer.neuron.resonance import frequency as frequency
from jslayer.neuron.resonance import lam as lam
from jslayer.neuron.resonance import period as period
from jslayer.neuron.rf import Resonator
from jslayer.ops import resonate_and_fire

__all__ = ["Neuron", "decay", "frequency", "lam", "neuron_params", "period"]


def __dir__() -> list[str]:
    return __all__


class Neuron(Resonator):
    """A complex state that turns and decays, and spikes where its imaginary part is high.

    ``z[t] = (1 - decay) exp(2 pi i / period) z[t-1] + x[t]``, a spike where the imaginary part
    reaches the threshold; then the real part is 0 and the imaginary part just below the threshold.
    Norms (one for each part) and dropout act on the drive, a pair ``(real, imag)``.

    Attributes are those of `jslayer.neuron.rf.Resonator`, and of `jslayer.neuron.fields`.

    References:
      Izhikevich, Resonate-and-Fire Neurons, 2001.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.zeros((1, 1, 6)).at[..., 0].set(1.0)
      >>> Neuron(threshold=0.75, period=8, decay=0.0).apply({}, (x, 0 * x))[0, 0]
      Array([0., 0., 1., 0., 0., 0.], dtype=float32)
    """

    record = resonate_and_fire.RfIz
    device_type = "RF_IZHIKEVICH"
