"""Blocks of resonate-and-fire neurons at phase zero."""

from jslayer.block import grid
from jslayer.neuron import rf

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
) = grid.blocks(rf.Neuron, __name__)
