"""Neurons as Flax modules: parameters, layout and state around the dynamics of `jslayer.ops`."""

from jslayer.neuron import cuba as cuba
from jslayer.neuron.dropout import Dropout as Dropout
from jslayer.neuron.norm import MeanOnlyBatchNorm as MeanOnlyBatchNorm
from jslayer.neuron.norm import WgtScaleBatchNorm as WgtScaleBatchNorm
