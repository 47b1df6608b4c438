"""Headers of objects: groups, datasets and types with a name."""

import dataclasses
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jslayer.hdf5.errors import NetworkFileError, fault
from jslayer.hdf5.read.earliest import messages
from jslayer.hdf5.read.earliest.chunks import Chunk, chunks
from jslayer.hdf5.read.earliest.content import NOWHERE, Content, Cursor, Short
from jslayer.hdf5.read.earliest.datatype import VARIABLE, Newer, Type, datatype

CONTINUATION, ATTRIBUTE, TABLE, EXTERNAL = 0x10, 0x0C, 0x11, 0x07
SPACE, TYPE, OLD_FILL, FILL, LAYOUT, FILTERS = 0x01, 0x03, 0x04, 0x05, 0x08, 0x0B
WITHOUT_MEANING = {0x00, 0x0D, 0x0E, 0x12}
"""Gaps, comments and times."""

NEWER = {
    **{0x02: "link table", 0x06: "link", 0x0A: "group", 0x0F: "table of shared messages"},
    **{0x13: "size of trees", 0x14: "driver", 0x15: "attribute table", 0x16: "count of names"},
    **{0x17: "free space", 0x18: "cache"},
}
READERS: Mapping[int, Callable[[Cursor], Any]] = {
    SPACE: messages.dataspace,
    TYPE: datatype,
    OLD_FILL: messages.old_fill_size,
    FILL: messages.fill_size,
    LAYOUT: messages.layout,
    FILTERS: messages.filters,
    TABLE: lambda message: message.numbers("QQ"),
    ATTRIBUTE: messages.attribute,
}


@dataclasses.dataclass(frozen=True)
class Object:
    """What an object is, as far as it matters before it is read.

    Attributes:
      table: Tree and heap of a group; ``None`` of anything else.
      attributes: Bytes that each attribute takes when it is read, by name; ``None`` of those that
        cannot be known before.
      texts: Bytes of the texts of variable length of a dataset; ``None`` where that is unknown.
      filters: Numbers of the filters of a dataset.
      chunk: Bytes of a chunk.
      chunks: Where they are.
    """

    table: tuple[int, int] | None = None
    attributes: Mapping[str, int | None] = dataclasses.field(default_factory=dict)
    texts: int | None = None
    filters: tuple[int, ...] = ()
    chunk: int = 0
    chunks: tuple[Chunk, ...] = ()


def read_object(content: Content, at: int, heaps: set[int]) -> Object:
    """Looks at an object.

    Args:
      content: The file.
      at: Where its header is.
      heaps: Where the global heaps are.

    Raises:
      NetworkFileError: it is broken, or of a newer format, or has its data elsewhere.
    """
    found: dict[int, Any] = {}
    attributes: dict[str, int | None] = {}
    for kind, message, place in _messages(content, at):
        if kind in NEWER:
            raise content.newer(NEWER[kind], place)
        if kind not in (*READERS, EXTERNAL) or kind in found:
            raise content.broken("object header", at)
        held = _read(content, kind, message, place)
        if kind == ATTRIBUTE:
            name = held.name.decode("utf-8", "surrogateescape")
            if name in attributes:
                raise content.broken("attribute", place)
            attributes[name] = _expanded(content, held.data, held.type, heaps, place)
        else:
            found[kind] = held
    if TABLE in found:
        return Object(found[TABLE], attributes)
    if LAYOUT in found and SPACE in found and TYPE in found:
        return _dataset(content, at, found, attributes, heaps)
    if found.keys() != {TYPE}:
        raise content.broken("object header", at)
    return Object(None, attributes)


def _read(content: Content, kind: int, message: bytes, place: int) -> Any:
    try:
        if kind == EXTERNAL:
            raise messages.Elsewhere
        return READERS[kind](Cursor(message))
    except Newer:
        raise content.newer("message", place) from None
    except Short:
        raise content.broken("message", place) from None
    except messages.Shared:
        raise _shared(content) from None
    except messages.Elsewhere:
        came, expected = "has its data in another file", "them in this one"
        raise fault(content.file, content.place, came, expected, "copy them") from None


def _shared(content: Content) -> NetworkFileError:
    came = "has a type with a name of its own"
    return fault(content.file, content.place, came, "a plain type", "write it with one")


def _messages(content: Content, at: int) -> Iterator[tuple[int, bytes, int]]:
    """Kind, content and place of each message that says something."""
    prefix = content.block(at, 16, "object header")
    if prefix.startswith(b"OHDR"):
        raise content.newer("object header", at)
    version, _, _, _, size = struct.unpack_from("<BBHII", prefix)
    if version != 1:
        raise content.broken("object header", at)
    blocks = [(at + 16, size)]
    while blocks:
        start, size = blocks.pop()
        block, offset = content.block(start, size, "object header"), 0
        while offset < size:
            if offset + 8 > size:
                raise content.broken("object header", start)
            kind, length, flags = struct.unpack_from("<HHB", block, offset)
            offset += 8
            if offset + length > size:
                raise content.broken("message", start + offset - 8)
            if flags & 2 and kind not in WITHOUT_MEANING:
                raise _shared(content)
            if kind == CONTINUATION:
                if length < 16:
                    raise content.broken("message", start + offset - 8)
                blocks.append(struct.unpack_from("<QQ", block, offset))
            elif kind not in WITHOUT_MEANING:
                yield kind, block[offset : offset + length], start + offset - 8
            offset += length


def _expanded(content: Content, data: bytes, kind: Type, heaps: set[int], place: int) -> int | None:
    """Bytes that data take when they are read."""
    if kind.kind != VARIABLE:
        return len(data)
    if not kind.base:
        return None
    entries = messages.variable_entries(data, kind)
    if any(size and heap not in heaps for size, heap in entries):
        raise content.broken("place of a text", place)
    return sum(size for size, _ in entries)


def _dataset(
    content: Content,
    at: int,
    found: dict[int, Any],
    attributes: dict[str, int | None],
    heaps: set[int],
) -> Object:
    shape, kind, layout = found[SPACE], found[TYPE], found[LAYOUT]
    entries = 0 if shape is None else math.prod(shape)
    size, missing = entries * kind.size, layout.address == NOWHERE
    fills = {found.get(FILL, 0), found.get(OLD_FILL, 0)} - {0, kind.size}
    fits = not fills
    texts: int | None = None
    if layout.kind == messages.CHUNKED:
        fits &= len(layout.chunk) == len(shape or ()) + 1 and layout.chunk[-1] == kind.size
    else:
        fits &= layout.size == size and FILTERS not in found
        if layout.kind == messages.CONTIGUOUS:
            fits &= missing or content.holds(layout.address, size)
    if not fits:
        raise content.broken("dataset", at)
    if layout.kind == messages.CHUNKED:
        held = chunks(content, layout)
        named = tuple(found.get(FILTERS, ()))
        return Object(None, attributes, None, named, layout.size, tuple(held))
    if kind.kind == VARIABLE and entries == 1:
        data = layout.data
        if layout.kind == messages.CONTIGUOUS:
            data = bytes(size) if missing else content.peek(layout.address, size, "text")
        texts = _expanded(content, data, kind, heaps, at)
    return Object(None, attributes, texts)
