"""The records of a network that is given by the name of its file, or as records."""

import os

from jslayer.hdf5.read.file import read
from jslayer.hdf5.records import NetworkFile


def records_of(
    network: str | os.PathLike[str] | NetworkFile, max_bytes: int | None = None
) -> NetworkFile:
    """Reads a file by name; records are returned as they are."""
    if isinstance(network, NetworkFile):
        return network
    return read(network, max_bytes=max_bytes)
