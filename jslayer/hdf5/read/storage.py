"""Whether the data of a dataset are what its shape says, before they are read."""

import math
import os
import zlib
from typing import BinaryIO

import h5py

from jslayer.hdf5.errors import DAMAGED, NetworkFileError, fault
from jslayer.hdf5.read.earliest.objects import Object

MOST_ENTRIES = 2**28
"""More entries than this no dataset of a network file has."""

DEFLATE, SHUFFLE, CHECKSUM = (
    *(h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32),
)
FILTERS = {DEFLATE, SHUFFLE, CHECKSUM}


def check_storage(entry: h5py.Dataset, held: Object, file: str, place: str) -> None:
    """Checks shape, filters and size.

    Args:
      entry: The dataset.
      held: What is known of it.
      file: Name of the file.
      place: Name of the dataset.

    Raises:
      NetworkFileError: it holds nothing, too much, or not what it claims.
    """
    if entry.shape is None:
        raise fault(
            file, place, "holds nothing", "numbers or a text", "export the file again"
        )  # fmt: skip
    entries = math.prod(entry.shape)
    if entries > MOST_ENTRIES:
        came = f"claims {entries} entries, of shape {entry.shape}"
        raise fault(file, place, came, f"at most {MOST_ENTRIES}", DAMAGED)
    others = set(held.filters) - FILTERS
    if others:
        came = f"is stored with filters {sorted(others)}"
        raise fault(file, place, came, "plain or deflated data", "write it without a filter")
    size, stored = entries * entry.dtype.itemsize, entry.id.get_storage_size()
    if held.chunk:
        found = len(held.chunks) * held.chunk
        # chunks at the rim are whole, with room for entries that are not there
        fits = found >= size and stored <= os.path.getsize(file)
    else:
        fits = stored >= size
    if not fits:
        came = f"claims {size} bytes, of shape {entry.shape}, and has {stored}"
        raise fault(file, place, came, "data for all of its entries", DAMAGED)


def check_chunks(held: Object, file: str, place: str) -> None:
    """Checks that every chunk becomes as long as it should, and no longer.

    The library would inflate a chunk to whatever it becomes.

    Raises:
      NetworkFileError: one does not.
    """
    if not held.chunks:
        return
    with open(file, "rb") as content:
        for number, chunk in enumerate(held.chunks):
            content.seek(chunk.address)
            used = [name for bit, name in enumerate(held.filters) if not chunk.mask >> bit & 1]
            if _length(content, chunk.size, used, held.chunk) != held.chunk:
                raise _damaged(file, place, number, held.chunk)


def _length(content: BinaryIO, size: int, filters: list[int], expected: int) -> int:
    """Bytes of a chunk before its filters were used; -1 where it cannot be read."""
    inner = 4 * (CHECKSUM in filters and filters.index(CHECKSUM) < _place(filters, DEFLATE))
    outer = 4 * (CHECKSUM in filters) - inner
    if DEFLATE not in filters:
        return size - inner - outer
    inflate, left, found = zlib.decompressobj(), size - outer, 0
    try:
        while not inflate.eof and left > 0 and found <= expected + inner:
            part = content.read(min(left, 2**18))
            left -= len(part)
            while part and found <= expected + inner:
                found += len(inflate.decompress(part, 2**20))
                part = inflate.unconsumed_tail
    except zlib.error:
        return -1
    return found - inner if inflate.eof else -1


def _place(filters: list[int], wanted: int) -> int:
    return filters.index(wanted) if wanted in filters else -1


def _damaged(file: str, place: str, number: int, size: int) -> NetworkFileError:
    came = f"has a chunk ({number}) that does not become {size} bytes"
    return fault(file, place, came, "that of all chunks", DAMAGED)
