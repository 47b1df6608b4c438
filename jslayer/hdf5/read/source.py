"""Opening a network file that may be anything."""

import contextlib
import os
import stat
from collections.abc import Iterator

import h5py

from jslayer.hdf5.errors import fault, translated
from jslayer.hdf5.read.budget import Budget
from jslayer.hdf5.read.earliest.file import objects
from jslayer.hdf5.read.group import Group, Known
from jslayer.io.locks import share_now
from jslayer.ops import check

SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextlib.contextmanager
def opened(path: str | os.PathLike[str], *, max_bytes: int | None = None) -> Iterator[Group]:
    """Opens a network file for reading.

    Args:
      path: Name of the file.
      max_bytes: Bytes that it may become when it is read; ``None`` for the usual limit.

    Raises:
      FileNotFoundError, IsADirectoryError, PermissionError: as they are.
      NetworkFileError: it is no hdf5 file of the earliest format, or somebody writes it.
    """
    name = os.fspath(path)
    if max_bytes is not None:
        check.whole("max_bytes", max_bytes)
    _check_kind(name)
    with open(name, "rb") as lock:
        if share_now(lock.fileno()) is False:
            came, action = "is being written by another program", "wait until it is closed"
            raise fault(name, "", came, "one that nobody writes", action)
        start = lock.read(len(SIGNATURE))
        _check_start(name, start)
        known = Known(objects(lock, name), Budget(name, os.fstat(lock.fileno()).st_size, max_bytes))
        with translated(name, ""):
            file = h5py.File(name, "r")
        try:
            if not os.path.samestat(os.fstat(lock.fileno()), os.stat(name)):
                came, expected = "was replaced while it was opened", "one that stays"
                raise fault(name, "", came, expected, "read it again")
            yield Group(file, name, "", known)
        finally:
            with translated(name, ""):
                file.close()


def _check_kind(name: str) -> None:
    mode = os.stat(name).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(
            f"`path` is the folder {name}, expected a network file; give one of the files in it."
        )
    if not stat.S_ISREG(mode):
        # a pipe would wait for its writer
        raise fault(name, "", "is a pipe or a device", "a regular file", "copy it to a file first")


def _check_start(name: str, start: bytes) -> None:
    if not start:
        raise fault(name, "", "is empty", "an hdf5 file", "copy or export it again")
    if start != SIGNATURE:
        came, expected = f"begins with {start!r}", f"an hdf5 file, {SIGNATURE!r}"
        raise fault(name, "", came, expected, "give a network file")
