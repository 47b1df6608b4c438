"""Dendrites as Flax modules: what happens to events before the neuron."""

from jslayer._old_names import told as _told
from jslayer.dendrite.sigma import Sigma as Sigma

__getattr__ = _told("dendrite")
