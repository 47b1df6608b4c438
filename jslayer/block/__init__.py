"""Blocks: a synapse, a neuron and its delays in one module, one family per kind of neuron."""

from jslayer._old_names import tell as _tell
from jslayer.block import adrf as adrf
from jslayer.block import adrf_iz as adrf_iz
from jslayer.block import alif as alif
from jslayer.block import cuba as cuba
from jslayer.block import custom as custom
from jslayer.block import rf as rf
from jslayer.block import rf_iz as rf_iz
from jslayer.block import sigma_delta as sigma_delta
from jslayer.block.folded import folded as folded
from jslayer.block.graph import Graph as Graph
from jslayer.block.kinds import family as family
from jslayer.block.loop import Loop as Loop
from jslayer.block.persistent import persistent as persistent
from jslayer.block.recorded import Recorded as Recorded
from jslayer.block.recorded import graph_of as graph_of
from jslayer.block.sequential import Sequential as Sequential
from jslayer.block.sequential import event_rates as event_rates
from jslayer.block.stream import Stream as Stream
from jslayer.block.stream import stream as stream
from jslayer.block.summary import Summary as Summary
from jslayer.block.summary import summary as summary

__all__ = [
    "Graph",
    "Loop",
    "Recorded",
    "Sequential",
    "Stream",
    "Summary",
    "adrf",
    "adrf_iz",
    "alif",
    "cuba",
    "custom",
    "event_rates",
    "family",
    "folded",
    "graph_of",
    "persistent",
    "rf",
    "rf_iz",
    "sigma_delta",
    "stream",
    "summary",
]


def __dir__() -> list[str]:
    """The public names, without the modules they come from."""
    return __all__


_tell(__name__)
