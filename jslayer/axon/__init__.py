"""Axons as Flax modules: what happens to spikes on their way."""

from jslayer.axon.delay import Delay as Delay
from jslayer.axon.delta import Delta as Delta
