"""Neurons as Flax modules: parameters, layout and state around the dynamics of `jslayer.ops`."""

from jslayer._old_names import tell as _tell
from jslayer.neuron import adrf as adrf
from jslayer.neuron import adrf_iz as adrf_iz
from jslayer.neuron import alif as alif
from jslayer.neuron import cuba as cuba
from jslayer.neuron import custom as custom
from jslayer.neuron import rf as rf
from jslayer.neuron import rf_iz as rf_iz
from jslayer.neuron import sigma_delta as sigma_delta
from jslayer.neuron.dropout import Dropout as Dropout
from jslayer.neuron.norm import MeanOnlyBatchNorm as MeanOnlyBatchNorm
from jslayer.neuron.norm import WgtScaleBatchNorm as WgtScaleBatchNorm
from jslayer.neuron.starting import starting_values as starting_values
from jslayer.neuron.starting import starting_weight_scale as starting_weight_scale

_tell(__name__)
