"""Blocks of resonate-and-fire neurons with adaptive threshold on the imaginary part."""

from jslayer.block import grid
from jslayer.neuron import adrf_iz

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
) = grid.blocks(adrf_iz.Neuron, __name__)
