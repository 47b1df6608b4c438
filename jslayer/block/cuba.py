"""Blocks of current-based leaky integrate-and-fire neurons."""

from jslayer.block import grid
from jslayer.neuron import cuba

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
) = grid.blocks(cuba.Neuron, __name__)
