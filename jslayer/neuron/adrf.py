"""Resonate-and-fire neuron at phase zero with an adaptive threshold (ADRF)."""

from jslayer.neuron import fields, parameters
from jslayer.neuron.device import neuron_params as neuron_params
from jslayer.neuron.resonance import Resonance, Spacing
from jslayer.neuron.resonance import decay as decay
from jslayer.neuron.resonance import frequency as frequency
from jslayer.neuron.resonance import lam as lam
from jslayer.neuron.resonance import period as period
from jslayer.neuron.spiking import Adaptive
from jslayer.ops import resonate_and_fire

__all__ = ["AdaptiveResonator", "Neuron", "decay", "frequency", "lam", "neuron_params", "period"]


def __dir__() -> list[str]:
    return __all__


class _Own(Adaptive, Resonance):
    threshold: parameters.Number
    threshold_step: parameters.Number
    period: parameters.Spread
    decay: parameters.Spread
    threshold_decay: parameters.Spread
    refractory_decay: parameters.Spread


class AdaptiveResonator(fields.Extras, Spacing, fields.Common, _Own):
    """Constructor arguments of adrf and adrf_iz, in order.

    Attributes:
      threshold: Threshold at rest, in units of the weights; cut to multiples of ``1 / scale``.
      threshold_step: Rise of the threshold with each spike, in units of the weights; cut likewise.
      period: Steps per turn, at least 4. Not shared, frequencies are spaced over the channels.
      decay: Fraction of the state's length lost per step, in [0, 1].
      threshold_decay: Fraction of the threshold above rest lost per step, in [0, 1].
      refractory_decay: Fraction of the refraction lost per step, in [0, 1].
      log_init: Space frequencies evenly in the logarithm; ``False`` draws them uniformly.
    """


class Neuron(AdaptiveResonator):
    """The RF neuron whose threshold and refraction rise with every spike, as ALIF's do.

    The surrogate is that of the RF neuron; the reference pairs the phase spike with the constants
    of a plain spike, so that its gradients are tiny (``tau_multiplier=100``,
    ``scale_multiplier=0.1`` give them).

    Attributes are those of `AdaptiveResonator`, and of `jslayer.neuron.fields`.

    References:
      Izhikevich, Resonate-and-Fire Neurons, 2001.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.zeros((1, 1, 10)).at[..., 0].set(1.0)
      >>> neuron = Neuron(0.5, 0.25, 4, 0.0, threshold_decay=0.5, refractory_decay=0.5)
      >>> neuron.apply({}, (x, 0 * x))[0, 0]
      Array([0., 0., 0., 0., 1., 0., 0., 0., 1., 0.], dtype=float32)
    """

    record = resonate_and_fire.Adrf
    device_type = "ADRF_PHASE"
    silent_at_zero = True
    tau_multiplier: float = 0.5
    scale_multiplier: float = 10.0
