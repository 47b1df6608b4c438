"""Synapses as Flax modules: weights between layers, applied to all time steps at once."""

from jslayer.synapse.base import Mask as Mask
from jslayer.synapse.base import grad_norm as grad_norm
from jslayer.synapse.dense import Dense as Dense
