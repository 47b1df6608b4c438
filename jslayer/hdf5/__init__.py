"""Network files: trained networks as the hdf5 that tools for Loihi-class hardware read."""

from jslayer.block.base import Block as _Block
from jslayer.block.sequential import Sequential as _Sequential
from jslayer.hdf5.describe import describe as describe
from jslayer.hdf5.diff import diff as diff
from jslayer.hdf5.errors import NetworkFileError as NetworkFileError
from jslayer.hdf5.load.network import load as load
from jslayer.hdf5.read.file import read as read
from jslayer.hdf5.records import Layer as Layer
from jslayer.hdf5.records import NetworkFile as NetworkFile
from jslayer.hdf5.records import Neuron as Neuron
from jslayer.hdf5.run.network import HardwareNetwork as HardwareNetwork
from jslayer.hdf5.run.network import inference as inference
from jslayer.hdf5.write.file import export as export
from jslayer.hdf5.write.file import write_block as write_block
from jslayer.hdf5.write.numbers import reduced as reduced

_Sequential._exporter = staticmethod(export)
_Block._exporter = staticmethod(write_block)
