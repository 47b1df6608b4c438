"""Synapses as Flax modules: weights between layers, applied to all time steps at once."""

from jslayer._old_names import tell as _tell
from jslayer.synapse import complex as complex
from jslayer.synapse.base import Mask as Mask
from jslayer.synapse.base import grad_norm as grad_norm
from jslayer.synapse.conv import Conv as Conv
from jslayer.synapse.conv import ConvTranspose as ConvTranspose
from jslayer.synapse.count import connections as connections
from jslayer.synapse.count import fan_out as fan_out
from jslayer.synapse.count import operations as operations
from jslayer.synapse.dense import Dense as Dense
from jslayer.synapse.pool import Pool as Pool
from jslayer.synapse.pool import Unpool as Unpool

_tell(__name__)
