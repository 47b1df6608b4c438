"""Blocks of current-based leaky integrate-and-fire neurons."""

from jslayer.block import base
from jslayer.neuron import cuba


class Input(base.Input):
    """Input block with CUBA neurons; see `jslayer.block.base.Input`."""

    neuron_kind = cuba.Neuron


class Flatten(base.Flatten):
    """Flattens images; see `jslayer.block.base.Flatten`."""


class Affine(base.Affine):
    """Read-out with CUBA dynamics; see `jslayer.block.base.Affine`."""

    neuron_kind = cuba.Neuron


class Dense(base.Dense):
    """Dense synapse and CUBA neurons; see `jslayer.block.base.Dense`."""

    neuron_kind = cuba.Neuron
