"""Types of data, as messages in an hdf5 file describe them."""

import dataclasses

from jslayer.hdf5.read.earliest.content import Cursor, Short

FIXED, FLOAT, TIME, TEXT, BITS, OPAQUE, COMPOUND, REFERENCE, ENUM, VARIABLE, ARRAY = range(11)
DEEPEST = 8
"""Types in types."""


class Newer(Exception):
    """A form that the earliest format does not have."""


@dataclasses.dataclass(frozen=True)
class Type:
    """A type of data.

    Attributes:
      kind: `FIXED` to `ARRAY`.
      size: Bytes of an entry.
      base: Bytes of an entry of variable length's own entries; 0 where they vary too.
    """

    kind: int
    size: int
    base: int = 0


def datatype(message: Cursor, depth: int = 0) -> Type:
    """Reads a type.

    Raises:
      Short: It is no type.
      Newer: It is of a newer version.
    """
    form, low, middle, high, size = message.numbers("BBBBI")
    kind, version, bits = form & 15, form >> 4, low | middle << 8 | high << 16
    if version > 3 or kind > ARRAY:
        raise Newer
    if not version or not size or depth > DEEPEST:
        raise Short
    base = 0
    if kind in (FIXED, BITS):
        _check_within(message.numbers("HH"), 8 * size)
    elif kind == FLOAT:
        _check_float(message, size)
    elif kind == TIME:
        message.take(2)
    elif kind == OPAQUE:
        message.take(low)
    elif kind == COMPOUND:
        _check_compound(message, bits & 0xFFFF, size, version, depth)
    elif kind == ENUM:
        found = datatype(message, depth + 1)
        _check_enum(message, bits & 0xFFFF, found, size, version)
    elif kind == VARIABLE:
        found = datatype(message, depth + 1)
        base = 0 if found.kind == VARIABLE else found.size
        if size != 16:
            raise Short
    elif kind == ARRAY:
        _check_array(message, size, version, depth)
    return Type(kind, size, base)


def _check_within(span: tuple[int, ...], bits: int) -> None:
    offset, count = span
    if not count or offset + count > bits:
        raise Short


def _check_float(message: Cursor, size: int) -> None:
    offset, precision, *fields, _ = message.numbers("HHBBBBI")
    _check_within((offset, precision), 8 * size)
    exponent, exponent_bits, mantissa, mantissa_bits = fields
    _check_within((exponent, exponent_bits), 8 * size)
    _check_within((mantissa, mantissa_bits), 8 * size)


def _check_compound(message: Cursor, count: int, size: int, version: int, depth: int) -> None:
    if not count:
        raise Short
    for _ in range(count):
        message.name(1 if version == 3 else 8)
        if version == 3:
            offset = int.from_bytes(message.take((size.bit_length() + 7) // 8), "little")
        else:
            (offset,) = message.numbers("I")
        repeats = 1
        if version == 1:
            rank, *_ = message.numbers("B3xII")
            sizes = message.numbers("4I")
            if rank > 4:
                raise Short
            for length in sizes[:rank]:
                repeats *= length
        held = datatype(message, depth + 1)
        if not repeats or offset + repeats * held.size > size:
            raise Short


def _check_enum(message: Cursor, count: int, base: Type, size: int, version: int) -> None:
    if base.kind != FIXED or base.size != size or not count:
        raise Short
    for _ in range(count):
        message.name(1 if version == 3 else 8)
    message.take(count * size)


def _check_array(message: Cursor, size: int, version: int, depth: int) -> None:
    if version == 1:
        raise Short
    rank, *_ = message.numbers("B" if version == 3 else "B3x")
    entries = 1
    for length in message.numbers(f"{rank}I"):
        entries *= length
    if version == 2:
        message.numbers(f"{rank}I")
    if not 1 <= rank <= 32 or entries * datatype(message, depth + 1).size != size:
        raise Short
