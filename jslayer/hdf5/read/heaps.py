"""A look at the global heaps of an hdf5 file, where its texts of variable length are.

The hdf5 library goes through a heap from object to object by their sizes, and never ends where a
size is 0. So heaps are looked through here first, before the library reads a text.

References:
  The HDF Group, HDF5 File Format Specification Version 3.0, III.E "Disk Format: Level 1E - Global
  Heap".
"""

import mmap
import struct
from collections.abc import Iterator

SIGNATURE = b"GCOL\x01\0\0\0"
HEAD = 16
"""Bytes of a heap's signature and size, and of an object's index, count and size."""


def broken_heap(name: str) -> int | None:
    """Where a heap of a file is broken.

    Args:
      name: Name of a file that is not empty.

    Returns:
      The offset in bytes of the first broken heap; ``None`` where all are sound.
    """
    with open(name, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return next((at for at in _heaps(content) if not _is_sound(content, at)), None)


def _heaps(content: mmap.mmap) -> Iterator[int]:
    at = content.find(SIGNATURE)
    while at >= 0:
        yield at
        at = content.find(SIGNATURE, at + 1)


def _is_sound(content: mmap.mmap, start: int) -> bool:
    """True where going from object to object leads forward until it ends in the heap."""
    if start + HEAD > len(content):
        return False
    (size,) = struct.unpack_from("<Q", content, start + 8)
    at, end = start + HEAD, start + size
    if end > len(content) or size < HEAD:
        return False
    while at + HEAD <= end:
        index, _, _, held = struct.unpack_from("<HHIQ", content, at)
        # an object is padded to 8 bytes behind its head; the free space counts its own head
        at += HEAD + -(-held // 8) * 8 if index else held
        if at > end or (not index and held < HEAD):
            return False
    return True
