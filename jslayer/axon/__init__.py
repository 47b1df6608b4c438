"""Axons as Flax modules: what happens to spikes on their way."""

from jslayer._old_names import tell as _tell
from jslayer.axon.delay import Delay as Delay
from jslayer.axon.delay import delay as delay
from jslayer.axon.delta import Delta as Delta

_tell(__name__)
