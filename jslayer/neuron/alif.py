"""Adaptive leaky integrate-and-fire neuron (ALIF)."""

from jslayer.neuron import fields, parameters
from jslayer.neuron.device import neuron_params as neuron_params
from jslayer.neuron.leaks import Leaks
from jslayer.neuron.spiking import Adaptive
from jslayer.ops import alif

__all__ = ["Neuron", "neuron_params"]


def __dir__() -> list[str]:
    return __all__


class _Own(Adaptive, Leaks):
    threshold: parameters.Number
    threshold_step: parameters.Number
    current_decay: parameters.Spread
    voltage_decay: parameters.Spread
    threshold_decay: parameters.Spread
    refractory_decay: parameters.Spread


class Neuron(fields.Extras, fields.Common, _Own):
    """Two leaky integrators whose threshold and refraction rise with every spike; no reset.

    Current and voltage are those of the CUBA neuron. It spikes where the voltage reaches threshold
    plus refraction; then the refraction rises by twice the threshold and the threshold by
    ``threshold_step``, and both decay again. A norm and dropout act on the drive.

    Attributes:
      threshold: Threshold at rest, in units of the weights; cut to multiples of ``1 / scale``.
      threshold_step: Rise of the threshold with each spike, in units of the weights; cut likewise.
      current_decay: Fraction of the current lost per step, in [0, 1].
      voltage_decay: Fraction of the voltage lost per step, in [0, 1].
      threshold_decay: Fraction of the threshold above rest lost per step, in [0, 1].
      refractory_decay: Fraction of the refraction lost per step, in [0, 1].

    The others are in `jslayer.neuron.fields`: `Common`, then `Extras`. With ``threshold_grad`` the
    threshold, its step and (with ``requires_grad``) both their decays learn.

    References:
      Bellec et al., Long short-term memory and learning-to-learn in networks of spiking neurons,
      2018.

    Example:
      >>> import jax.numpy as jnp
      >>> neuron = Neuron(0.5, 0.25, 1.0, 0.0, threshold_decay=0.1, refractory_decay=0.5)
      >>> neuron.apply({}, jnp.full((1, 1, 6), 0.4))[0, 0]
      Array([0., 1., 0., 1., 1., 0.], dtype=float32)
    """

    record = alif.Alif
    device_type = "ALIF"
