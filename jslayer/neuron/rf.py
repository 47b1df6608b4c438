"""Resonate-and-fire neuron that spikes at phase zero (RF)."""

from jslayer.neuron import fields, parameters
from jslayer.neuron.device import neuron_params as neuron_params
from jslayer.neuron.resonance import Resonance, Spacing
from jslayer.neuron.resonance import decay as decay
from jslayer.neuron.resonance import frequency as frequency
from jslayer.neuron.resonance import lam as lam
from jslayer.neuron.resonance import period as period
from jslayer.ops import resonate_and_fire

__all__ = ["Neuron", "Resonator", "decay", "frequency", "lam", "neuron_params", "period"]


def __dir__() -> list[str]:
    return __all__


class _Own(Resonance):
    threshold: parameters.Number
    period: parameters.Spread
    decay: parameters.Spread


class Resonator(fields.Extras, Spacing, fields.Common, _Own):
    """Constructor arguments of rf and rf_iz, in order.

    Attributes:
      threshold: Value to reach, in units of the weights; cut to multiples of ``1 / scale``.
      period: Steps per turn, at least 4. Not shared, frequencies are spaced over the channels.
      decay: Fraction of the state's length lost per step, in [0, 1].
      log_init: Space frequencies evenly in the logarithm; ``False`` draws them uniformly.
    """


class Neuron(Resonator):
    """A complex state that turns and decays, and spikes when its phase passes zero.

    ``z[t] = (1 - decay) exp(2 pi i / period) z[t-1] + x[t]``, a spike where the imaginary part of
    ``z`` turns from negative to not negative while the real part reaches the threshold; no reset.
    Norms (one for each part) and dropout act on the drive, a pair ``(real, imag)``.

    Attributes are those of `Resonator`, and of `jslayer.neuron.fields`: `Common`, then `Extras`.

    References:
      Izhikevich, Resonate-and-Fire Neurons, 2001.
      Frady et al., Efficient Neuromorphic Signal Processing with Resonator Neurons, 2022.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.zeros((1, 1, 10)).at[..., 0].set(1.0)
      >>> Neuron(threshold=0.5, period=4, decay=0.0).apply({}, (x, 0 * x))[0, 0]
      Array([0., 0., 0., 0., 1., 0., 0., 0., 1., 0.], dtype=float32)
    """

    record = resonate_and_fire.Rf
    device_type = "RF_PHASE"
    silent_at_zero = True
    tau_multiplier: float = 0.5
    scale_multiplier: float = 10.0
