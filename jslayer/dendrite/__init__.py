"""Dendrites as Flax modules: what happens to events before the neuron."""

from jslayer._old_names import tell as _tell
from jslayer.dendrite.sigma import Sigma as Sigma

_tell(__name__)
