"""Adaptive leaky integrate-and-fire neuron: current, voltage, threshold and spike in one pass."""

from jslayer.ops.spiking import Spiking


class Alif(Spiking):
    """Adaptive leaky integrate-and-fire neuron: two leaks, adaptive threshold, no reset.

    References:
      Bellec et al., Long short-term memory and learning-to-learn in networks of spiking neurons,
      2018.
    """

    adaptive = True
