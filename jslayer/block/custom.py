"""Blocks of neurons of your own; `neuron_params` are those of `jslayer.neuron.custom.Neuron`."""

from jslayer.block import grid
from jslayer.neuron import custom

(
    Input,
    Output,
    Flatten,
    Average,
    Affine,
    TimeDecimation,
    Dense,
    Conv,
    Pool,
    ConvT,
    Unpool,
    KWTA,
    Recurrent,
) = grid.blocks(custom.Neuron, __name__)
