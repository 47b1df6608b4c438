"""Blocks: a synapse, a neuron and its delays in one module, one family per kind of neuron."""

from jslayer.block import cuba as cuba
from jslayer.block.sequential import Sequential as Sequential
from jslayer.block.sequential import event_rates as event_rates
