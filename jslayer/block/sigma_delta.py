"""Blocks of sigma-delta neurons; their output is not delayed by a step unless told so."""

from jslayer.block import grid
from jslayer.neuron import sigma_delta

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
) = grid.blocks(sigma_delta.Neuron, __name__)
