"""Scalars for TensorBoard, written without it: records with checksums, messages by hand.

An event file is a row of records: length (8 bytes), its masked CRC-32C (4), data, the data's masked
CRC-32C (4), little-endian. The data are a protocol buffer message, of which scalars need a few
fields: ``Event{1: wall time, double; 2: step, int64; 3: file version, string; 5: Summary}``,
``Summary{1: repeated Value}``, ``Value{1: tag, string; 2: number, float}``.
"""

import functools
import itertools
import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path

from jslayer.io.files import PathLike
from jslayer.io.first import writes
from jslayer.io.replace import naming
from jslayer.training.metrics import Writer

_VERSION = "brain.Event:2"
_COUNT = itertools.count()


class TensorBoardWriter(Writer):
    """Writes scalars to an event file, which TensorBoard shows with ``--logdir FOLDER``.

    Every writer makes a file of its own; TensorBoard joins those of a folder, so that a resumed run
    goes on in its curves. Of several processes only the first writes.

    Args:
      folder: Where to make the file; made where needed.
      every: Steps between two that are written.

    Attributes:
      path: The file.
    """

    def __init__(self, folder: PathLike, *, every: int = 1):
        super().__init__(every=every)
        if not writes():
            self.path = Path(os.devnull)
            self._file = open(self.path, "wb")
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}"
        self.path = Path(folder) / f"{name}.{os.getpid()}.{next(_COUNT)}"
        self._file = open(self.path, "xb")
        self._append(_double(1, now) + _bytes(3, _VERSION.encode()))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Appends the numbers as one event."""
        if values:
            self._append(scalars(step, values, time.time()))

    def close(self) -> None:
        """Closes the file."""
        with naming(self.path):
            self._file.close()

    def _append(self, data):
        with naming(self.path):
            self._file.write(record(data))
            self._file.flush()


def scalars(step: int, values: Mapping[str, float], wall_time_s: float) -> bytes:
    """One event message with a value for each number."""
    summary = b"".join(
        _bytes(1, _bytes(1, tag.encode()) + _float(2, value)) for tag, value in values.items()
    )
    return _double(1, wall_time_s) + _integer(2, step) + _bytes(5, summary)


def record(data: bytes) -> bytes:
    """One record of an event file, with its checksums."""
    length = struct.pack("<Q", len(data))
    return b"".join(
        (length, struct.pack("<I", masked_crc(length)), data, struct.pack("<I", masked_crc(data)))
    )


def masked_crc(data: bytes) -> int:
    """CRC-32C, turned by 15 bits and moved: so that a checksum of data with checksums is no 0."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """CRC-32 with Castagnoli's polynomial.

    References:
      RFC 3720, Internet Small Computer Systems Interface, appendix B.4.

    Example:
      >>> hex(crc32c(b"123456789"))
      '0xe3069283'
    """
    crc, table = 0xFFFFFFFF, _table()
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


@functools.cache
def _table():
    def entry(value):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        return value

    return tuple(map(entry, range(256)))


def _varint(number):
    found = bytearray()
    number &= (1 << 64) - 1  # negative numbers as 64-bit two's complement
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _integer(field, number):
    return _varint(field << 3) + _varint(number)


def _double(field, number):
    return _varint(field << 3 | 1) + struct.pack("<d", number)


def _bytes(field, content):
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _float(field, number):
    try:
        packed = struct.pack("<f", number)
    except OverflowError:  # beyond float32
        packed = struct.pack("<f", float("inf") if number > 0 else float("-inf"))
    return _varint(field << 3 | 5) + packed
