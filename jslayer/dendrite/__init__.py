"""Dendrites as Flax modules: what happens to events before the neuron."""

from jslayer.dendrite.sigma import Sigma as Sigma
