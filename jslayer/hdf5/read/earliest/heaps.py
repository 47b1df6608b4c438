"""A look at the global heaps of an hdf5 file, where its texts of variable length are.

The hdf5 library goes through a heap from object to object by their sizes, and never ends where a
size is 0. So heaps are looked through here first, each once, before the library reads a text.

References:
  The HDF Group, HDF5 File Format Specification Version 3.0, III.E "Disk Format: Level 1E - Global
  Heap".
"""

import struct

from jslayer.hdf5.read.earliest.content import Content

SIGNATURE = b"GCOL\x01\0\0\0"
HEAD = 16
"""Bytes of a heap's signature and size, and of an object's index, count and size."""


def heaps(content: Content) -> set[int]:
    """Where the global heaps of a file begin, all of them sound and none within another.

    Raises:
      NetworkFileError: one is broken.
    """
    found: set[int] = set()
    end, at = 0, content.find(SIGNATURE, 0)
    while at >= 0:
        size = _sound_size(content, at) if at >= end else 0
        if not size:
            raise content.broken("heap of texts", at)
        found.add(at)
        end = at + size
        at = content.find(SIGNATURE, at + 1)
    return found


def _sound_size(content: Content, start: int) -> int:
    """Bytes of a heap; 0 unless going from object to object leads forward until it ends in it."""
    if not content.holds(start, HEAD):
        return 0
    (size,) = struct.unpack("<Q", content.peek(start + 8, 8, ""))
    if size < HEAD or not content.holds(start, size):
        return 0
    held = content.peek(start, size, "")
    at, seen = HEAD, set()
    while at + HEAD <= size:
        index, _, _, length = struct.unpack_from("<HHIQ", held, at)
        # an object is padded to 8 bytes behind its head; the free space counts its own head
        at += HEAD + -(-length // 8) * 8 if index else length
        if at > size or index in seen or (not index and length < HEAD):
            return 0
        seen.add(index)
    return size
