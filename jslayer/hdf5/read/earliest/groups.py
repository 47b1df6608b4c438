"""Groups of the earliest format: trees of names, and the heaps in which the names are."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from jslayer.hdf5.read.earliest.content import NOWHERE, Content

LONGEST_NAME = 2**10
_SHOWN = 100
HARD, GROUP, SOFT = range(3)


class Entry(NamedTuple):
    """A name in a group, cut: of an object, by its address, or of a link, ``None``."""

    name: str
    address: int | None
    table: tuple[int, int] | None
    """Tree and heap of the object, where the entry says that it is a group."""


class Sizes(NamedTuple):
    """Half of the most names in a leaf, and of children in a node, of all groups of a file."""

    leaf: int
    node: int


def tree_node(
    content: Content, at: int, kind: int, level: int | None, key: int, most: int
) -> tuple[int, bytes, int]:
    """A node of a tree.

    Args:
      content: The file.
      at: Where it begins.
      kind: 0 for names, 1 for chunks.
      level: What it should be; ``None`` at the root.
      key: Bytes of a key.
      most: Children at most.

    Returns:
      Its level, its keys and children, and the number of those.
    """
    size = 24 + most * (key + 8) + key
    node = content.block(at, size, "tree")
    signature, found, height, count = struct.unpack_from("<4sBBH", node)
    if signature != b"TREE" or found != kind or count > most or level not in (None, height):
        raise content.broken("tree", at)
    return height, node[24:], count


def entries(content: Content, table: tuple[int, int], sizes: Sizes) -> Iterator[Entry]:
    """All names of a group.

    Args:
      content: The file.
      table: Where tree and heap are.
      sizes: Of the groups of the file.
    """
    names = _local_heap(content, table[1])
    nodes: list[tuple[int, int | None]] = [(table[0], None)]
    while nodes:
        at, level = nodes.pop()
        if level == -1:
            yield from _leaf(content, at, names, sizes)
            continue
        height, held, count = tree_node(content, at, 0, level, 8, 2 * sizes.node)
        # keys are places of names, which the library compares
        keys = struct.unpack_from("<" + "Q8x" * (count + 1), held + bytes(8))
        if any(_text(names, key) is None for key in keys):
            raise content.broken("tree", at)
        children = struct.unpack_from("<8x" + "Q8x" * count, held)
        nodes += [(child, height - 1) for child in children]


def _leaf(content: Content, at: int, names: bytes, sizes: Sizes) -> Iterator[Entry]:
    node = content.block(at, 8 + 80 * sizes.leaf, "list of names")
    signature, version, count = struct.unpack_from("<4sBxH", node)
    if signature != b"SNOD" or version != 1 or count > 2 * sizes.leaf:
        raise content.broken("list of names", at)
    for number in range(count):
        name, address, kind, scratch = struct.unpack_from("<QQI4x16s", node, 8 + 40 * number)
        text = _text(names, name)
        if text is None or not text or kind > SOFT:
            raise content.broken("list of names", at)
        table = struct.unpack("<QQ", scratch) if kind == GROUP else None
        if kind == SOFT and _text(names, int.from_bytes(scratch[:4], "little")) is None:
            raise content.broken("list of names", at)
        yield Entry(text[:_SHOWN], None if kind == SOFT else address, table)


def _text(names: bytes, at: int) -> str | None:
    if at >= len(names):
        return None
    end = names.find(b"\0", at, at + LONGEST_NAME)
    return None if end < 0 else names[at:end].decode("utf-8", "replace")


def _local_heap(content: Content, at: int) -> bytes:
    head = content.block(at, 32, "heap of names")
    signature, version, size, free, address = struct.unpack("<4sB3xQQQ", head)
    if signature != b"HEAP" or version:
        raise content.broken("heap of names", at)
    names = content.block(address, size, "heap of names")
    # free blocks are a list, which must end; 1 and nowhere both stand for its end
    for _ in range(size // 16 + 1):
        if free in (1, NOWHERE):
            return names
        if free + 16 > size:
            break
        free, length = struct.unpack_from("<QQ", names, free)
        if length > size:
            break
    raise content.broken("heap of names", at)
