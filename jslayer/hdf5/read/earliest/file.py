"""From the first byte of an hdf5 file to all of its objects."""

import mmap
import struct
from typing import BinaryIO

from jslayer.hdf5.errors import DAMAGED, fault
from jslayer.hdf5.read.earliest.content import NOWHERE, Content
from jslayer.hdf5.read.earliest.groups import GROUP, Sizes, entries
from jslayer.hdf5.read.earliest.heaps import heaps
from jslayer.hdf5.read.earliest.objects import Object, read_object

MOST_OBJECTS = 2**18
"""More objects than these no network file has."""

LONGEST_PLACE = 200
"""Longer names of objects are cut in messages."""


def objects(file: BinaryIO, name: str) -> dict[int, Object]:
    """Looks through an hdf5 file, each block once, in time in proportion to its size.

    Args:
      file: A file that begins as an hdf5 file does.
      name: Its name, for messages.

    Returns:
      Its objects by their address.

    Raises:
      NetworkFileError: it is broken, or of a newer format than the earliest.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return _walk(Content(content, name))


def _walk(content: Content) -> dict[int, Object]:
    root, table, sizes = _superblock(content)
    texts = heaps(content)
    found: dict[int, Object] = {}
    ahead: list[tuple[str, int, tuple[int, int] | None]] = [("", root, table)]
    while ahead:
        place, at, said = ahead.pop()
        content.place = place
        if at not in found:
            if len(found) >= MOST_OBJECTS:
                raise content.broken(f"tree of more than {MOST_OBJECTS} objects", at)
            made = found[at] = read_object(content, at, texts)
            if made.table is not None:
                prefix = f"{place}/" if place and len(place) < LONGEST_PLACE else place
                ahead += [
                    (prefix + entry.name, entry.address, entry.table)
                    for entry in entries(content, made.table, sizes)
                    if entry.address is not None
                ]
        if said is not None and said != found[at].table:
            raise content.broken("list of names that leads to a group", at)
    content.place = ""
    if found[root].table is None:
        raise content.broken("root", root)
    return found


def _superblock(content: Content) -> tuple[int, tuple[int, int] | None, Sizes]:
    """Where the root is, its tree and heap where they are said, and the sizes of groups."""
    version = content.peek(8, 1, "superblock")[0]
    if version in (1, 2, 3):
        raise content.newer(f"superblock of version {version}", 0)
    block = content.block(0, 96, "superblock")
    versions, widths = block[8:11] + block[12:13], block[13:15]
    leaf, node = struct.unpack_from("<HH", block, 16)
    base, _, end, driver = struct.unpack_from("<4Q", block, 24)
    root, kind, *table = struct.unpack_from("<8xQI4xQQ", block, 56)
    if any(versions) or widths != b"\x08\x08" or not leaf or not node or base:
        raise content.broken("superblock", 0)
    if driver != NOWHERE:
        raise content.newer("superblock with a driver", 0)
    if end > content.size:
        came = f"is cut short, to {content.size} bytes"
        raise fault(content.file, "", came, f"{end} bytes", DAMAGED)
    return root, (table[0], table[1]) if kind == GROUP else None, Sizes(leaf, node)
