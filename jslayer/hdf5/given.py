"""The records of a network that is given by the name of its file, or as records."""

import os

from jslayer.hdf5.read.file import read
from jslayer.hdf5.records import NetworkFile


def records_of(network: str | os.PathLike[str] | NetworkFile) -> NetworkFile:
    """Reads a file by name; records are returned as they are."""
    return network if isinstance(network, NetworkFile) else read(network)
