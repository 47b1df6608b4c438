"""Blocks of resonate-and-fire neurons at phase zero with adaptive threshold."""

from jslayer.block import grid
from jslayer.neuron import adrf

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
) = grid.blocks(adrf.Neuron, __name__)
