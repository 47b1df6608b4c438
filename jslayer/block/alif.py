"""Blocks of adaptive leaky integrate-and-fire neurons."""

from jslayer.block import grid
from jslayer.neuron import alif

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
) = grid.blocks(alif.Neuron, __name__)
