"""Opening a network file that may be anything."""

import contextlib
import os
import stat
from collections.abc import Iterator

import h5py

from jslayer.hdf5.errors import DAMAGED, fault, translated
from jslayer.hdf5.read.group import Group
from jslayer.hdf5.read.heaps import broken_heap

SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Group]:
    """Opens a network file for reading.

    Raises:
      FileNotFoundError, IsADirectoryError, PermissionError: as they are.
      NetworkFileError: it is no hdf5 file.
    """
    name = os.fspath(path)
    _check_file(name)
    with translated(name, ""):
        file = h5py.File(name, "r")
    try:
        yield Group(file, name, "")
    finally:
        with translated(name, ""):
            file.close()


def _check_file(name: str) -> None:
    mode = os.stat(name).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(
            f"`path` is the folder {name}, expected a network file; give one of the files in it."
        )
    if not stat.S_ISREG(mode):
        # a pipe would wait for its writer
        raise fault(name, "", "is a pipe or a device", "a regular file", "copy it to a file first")
    with open(name, "rb") as file:
        start = file.read(len(SIGNATURE))
    if not start:
        raise fault(name, "", "is empty", "an hdf5 file", "copy or export it again")
    if start != SIGNATURE:
        came, expected = f"begins with {start!r}", f"an hdf5 file, {SIGNATURE!r}"
        raise fault(name, "", came, expected, "give a network file")
    broken = broken_heap(name)
    if broken is not None:
        came = f"has a broken heap of texts at byte {broken}"
        raise fault(name, "", came, "a sound hdf5 file", DAMAGED)
