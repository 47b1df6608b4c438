"""Blocks of resonate-and-fire neurons with Izhikevich's reset."""

from jslayer.block import grid
from jslayer.neuron import rf_iz

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
) = grid.blocks(rf_iz.Neuron, __name__)
