"""Resonate-and-fire neurons: with fixed or adaptive threshold, at phase zero or at a level."""

import jax

from jslayer.ops.dynamics import Tree
from jslayer.ops.membrane import Resonance
from jslayer.ops.resonator import izhikevich_reset
from jslayer.ops.spiking import Spiking


class Rf(Spiking):
    """Resonate-and-fire neuron that spikes at phase zero, with no reset.

    References:
      Izhikevich, Resonate-and-Fire Neurons, 2001.
      Frady et al., Efficient Neuromorphic Signal Processing with Resonator Neurons, 2022.
    """

    membrane = Resonance()
    watched = "real"
    value = "imag"
    phase = True


class RfIz(Spiking):
    """Resonate-and-fire neuron whose imaginary part spikes at a threshold, with reset below it.

    References:
      Izhikevich, Resonate-and-Fire Neurons, 2001.
    """

    membrane = Resonance()
    watched = "imag"
    value = "imag"

    def reset(self, traces: Tree, crossed: jax.Array, constants: Tree) -> Tree:
        """Just below the threshold on the imaginary axis."""
        return izhikevich_reset(traces, crossed, constants["level"])


class Adrf(Rf):
    """Resonate-and-fire neuron at phase zero with an adaptive threshold."""

    adaptive = True


class AdrfIz(Spiking):
    """Resonate-and-fire neuron with an adaptive threshold on the imaginary part; no reset."""

    membrane = Resonance()
    watched = "imag"
    value = "imag"
    adaptive = True
