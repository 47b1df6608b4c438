"""Network files: trained networks as the hdf5 that tools for Loihi-class hardware read."""

from jslayer.block.sequential import Sequential as _Sequential
from jslayer.hdf5.describe import describe as describe
from jslayer.hdf5.diff import diff as diff
from jslayer.hdf5.errors import NetworkFileError as NetworkFileError
from jslayer.hdf5.inference import HardwareNetwork as HardwareNetwork
from jslayer.hdf5.inference import inference as inference
from jslayer.hdf5.load import load as load
from jslayer.hdf5.numbers import reduced as reduced
from jslayer.hdf5.read import read as read
from jslayer.hdf5.records import Layer as Layer
from jslayer.hdf5.records import NetworkFile as NetworkFile
from jslayer.hdf5.records import Neuron as Neuron
from jslayer.hdf5.write import export as export
from jslayer.hdf5.write import write_block as write_block

_Sequential.exporter = staticmethod(export)
