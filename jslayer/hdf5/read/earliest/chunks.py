"""The tree of a dataset that is stored in chunks."""

import struct
from typing import NamedTuple

from jslayer.hdf5.read.earliest.content import NOWHERE, Content
from jslayer.hdf5.read.earliest.groups import tree_node
from jslayer.hdf5.read.earliest.messages import Layout

MOST_CHILDREN = 64


class Chunk(NamedTuple):
    """Where a chunk is, its bytes, and which filters were left out, bit by bit."""

    address: int
    size: int
    mask: int


def chunks(content: Content, layout: Layout) -> list[Chunk]:
    """All chunks of a dataset.

    Raises:
      NetworkFileError: the tree is broken, or a chunk lies beyond the end of the file.
    """
    if layout.address == NOWHERE:
        return []
    rank = len(layout.chunk)
    key = 8 + 8 * rank
    found: list[Chunk] = []
    nodes: list[tuple[int, int | None]] = [(layout.address, None)]
    while nodes:
        at, level = nodes.pop()
        height, held, count = tree_node(content, at, 1, level, key, MOST_CHILDREN)
        for number in range(count):
            form = f"<II{rank}QQ"
            size, mask, *corner, child = struct.unpack_from(form, held, number * (key + 8))
            if height:
                nodes.append((child, height - 1))
                continue
            off = any(place % step for place, step in zip(corner[:-1], layout.chunk, strict=False))
            if off or corner[-1] or not size or not content.holds(child, size):
                raise content.broken("tree of chunks", at)
            found.append(Chunk(child, size, mask))
    return found
