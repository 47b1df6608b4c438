"""Messages in the header of an object: shape, type, where the data are, how they are stored."""

import dataclasses
import math

from jslayer.hdf5.read.earliest.content import NOWHERE, Cursor, Short
from jslayer.hdf5.read.earliest.datatype import VARIABLE, Newer, Type, datatype

MOST_ENTRIES = 2**60
COMPACT, CONTIGUOUS, CHUNKED, VIRTUAL = range(4)


class Elsewhere(Exception):
    """Data that lie in another file."""


class Shared(Exception):
    """A type or shape that lies elsewhere in the file, under a name of its own."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the data of a dataset are.

    Attributes:
      kind: `COMPACT`, `CONTIGUOUS` or `CHUNKED`.
      address: Where they begin, or the tree of the chunks.
      size: Bytes of all of them, or of a chunk.
      chunk: Entries of a chunk by axis, and bytes of an entry.
      data: The data, where they are compact.
    """

    kind: int
    address: int
    size: int
    chunk: tuple[int, ...] = ()
    data: bytes = b""


@dataclasses.dataclass(frozen=True)
class Attribute:
    """An attribute.

    Attributes:
      name: Its name, as bytes.
      entries: How many it has.
      type: Type of each.
      data: Them, or where they lie.
    """

    name: bytes
    entries: int
    type: Type
    data: bytes


def dataspace(message: Cursor) -> tuple[int, ...] | None:
    """The shape; ``None`` of what holds nothing."""
    version, rank, flags, kind = message.numbers("BBBB")
    if version == 1:
        message.take(4)
    elif version != 2:
        raise Newer if version > 2 else Short
    if rank > 32 or flags & 2 or (version == 2 and kind > 2):
        raise Short
    shape = message.numbers(f"{rank}Q")
    if flags & 1:
        message.numbers(f"{rank}Q")
    if math.prod(shape) > MOST_ENTRIES:
        raise Short
    return None if version == 2 and kind == 2 else shape


def fill_size(message: Cursor) -> int:
    """Bytes of the value of entries that were never written."""
    (version,) = message.numbers("B")
    if version > 2:
        raise Newer
    *_, defined = message.numbers("BBB")
    if version == 2 and not defined:
        return 0
    (size,) = message.numbers("I")
    message.take(size)
    return size


def old_fill_size(message: Cursor) -> int:
    """The same in the older form."""
    (size,) = message.numbers("I")
    message.take(size)
    return size


def layout(message: Cursor) -> Layout:
    """Where the data are."""
    version, kind = message.numbers("BB")
    if kind == VIRTUAL and version >= 4:
        raise Elsewhere
    if version > 3:
        raise Newer
    if version < 3:
        raise Short
    if kind == COMPACT:
        (size,) = message.numbers("H")
        return Layout(kind, NOWHERE, size, data=message.take(size))
    if kind == CONTIGUOUS:
        address, size = message.numbers("QQ")
        return Layout(kind, address, size)
    if kind != CHUNKED:
        raise Short
    rank, address = message.numbers("BQ")
    if not 2 <= rank <= 33:
        raise Short
    chunk = message.numbers(f"{rank}I")
    if not 0 < math.prod(chunk) < 2**32:
        raise Short
    return Layout(kind, address, math.prod(chunk), chunk)


def filters(message: Cursor) -> list[int]:
    """Numbers of the filters, as they are used when data are written."""
    version, count = message.numbers("BB")
    if version > 1:
        raise Newer
    message.take(6)
    found = []
    for _ in range(count):
        number, name, _, values = message.numbers("HHHH")
        message.take(-(-name // 8) * 8)
        message.take(4 * (values + values % 2))
        found.append(number)
    # each may make data a thousand times larger
    if not version or not 1 <= count <= 32 or len(set(found)) < count:
        raise Short
    return found


def attribute(message: Cursor) -> Attribute:
    """An attribute with its data."""
    version, flags, *sizes = message.numbers("BBHHH")
    if version > 3:
        raise Newer
    if not version:
        raise Short
    if version > 1 and flags:
        raise Shared
    if version == 3:
        message.take(1)
    padded = [-(-size // 8) * 8 if version == 1 else size for size in sizes]
    name, kind, space = (message.take(size) for size in padded)
    if b"\0" not in name[: sizes[0]]:
        raise Short
    found, shape = datatype(Cursor(kind)), dataspace(Cursor(space))
    entries = 0 if shape is None else math.prod(shape)
    return Attribute(name.split(b"\0")[0], entries, found, message.take(entries * found.size))


def variable_entries(data: bytes, kind: Type) -> list[tuple[int, int]]:
    """Bytes and heap of each entry of variable length."""
    if kind.kind != VARIABLE or not kind.base:
        raise Short
    cursor, found = Cursor(data), []
    while cursor.left >= 16:
        length, heap, _ = cursor.numbers("IQI")
        found.append((length * kind.base, heap))
    return found
