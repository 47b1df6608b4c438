"""Prophesee's ``.dat`` files of decoded camera events, read and written without their library.

Text lines that start with ``%``, one byte for the kind of event (0 or 12), one for its size (8),
then little-endian records: time in microseconds (32 bits), x (14 bits), y (14 bits), polarity.

References:
  Prophesee, DAT File Format, documentation of the Metavision SDK.
"""

import bisect
from pathlib import Path

import numpy as np

from .event import Event
from .files import PathLike, existing, replacing

_RECORD = np.dtype([("t", "<u4"), ("place", "<u4")])
_KINDS = (0, 12)  # a 2-d event, and a 2-d event of contrast detection


def read_dat(
    path: PathLike, *, start_ms: float | None = None, stop_ms: float | None = None
) -> Event:
    """Reads a ``.dat`` file, or what happens in it from ``start_ms`` until before ``stop_ms``.

    A part is found without reading the rest, as the events of a camera are in the order of time.

    Args:
      path: A file of version 2.
      start_ms: Earliest time; ``None``: from the first event on.
      stop_ms: Time before which to stop; ``None``: to the last event.

    Returns:
      A 2-d set in the order of the file, channel 1 for ON.

    Raises:
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file holds another kind of event, or is damaged.
    """
    record = records(path)
    time = record["t"]
    first = 0 if start_ms is None else bisect.bisect_left(time, start_ms * 1000)
    stop = len(record) if stop_ms is None else bisect.bisect_left(time, stop_ms * 1000)
    record = record[first:stop]
    place = record["place"].astype(np.int64)
    return Event(place & 0x3FFF, (place >> 14) & 0x3FFF, (place >> 28) & 1, record["t"] / 1000)


def records(path: PathLike) -> np.ndarray:
    """Maps the records of a ``.dat`` file into memory: fields ``t`` in microseconds, ``place``.

    Raises:
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file holds another kind of event, or is damaged.
    """
    path = existing(path)
    start, kind, size = _header(path)
    if kind not in _KINDS or size != _RECORD.itemsize:
        raise ValueError(
            f"`path` is {path} with events of kind {kind} and {size} bytes, expected kind 0 or 12 "
            "and 8 bytes; convert the recording to a .dat file of contrast detection events."
        )
    length = path.stat().st_size - start
    if length % _RECORD.itemsize:
        raise ValueError(
            f"`path` is {path} with {length} bytes of events, expected a multiple of "
            f"{_RECORD.itemsize}; the file is cut short."
        )
    if not length:
        return np.zeros(0, _RECORD)
    return np.memmap(path, _RECORD, "r", start, length // _RECORD.itemsize)


def _header(path: Path) -> tuple[int, int | None, int | None]:
    """Where the records begin, and kind and size of an event, ``None`` where they are missing."""
    with open(path, "rb") as file:
        start = 0
        while file.readline().startswith(b"%"):
            start = file.tell()
        file.seek(start)
        found = file.read(2)
    return (start + 2, found[0], found[1]) if len(found) == 2 else (start, None, None)


def encode_dat(path: PathLike, event: Event, size: tuple[int, int] | None = None) -> None:
    """Writes a ``.dat`` file of version 2.

    Args:
      path: The file, replaced only when all is well.
      event: 2-d and binary; x and y to 16383, channels 0 and 1, times from 0 to 4294967.295 ms,
        which are rounded to microseconds.
      size: Height and width of the camera, for the header. Without it, the smallest that holds
        every event.

    Raises:
      ValueError: An event does not fit the format.
      FileNotFoundError: The folder does not exist.
    """
    if event.y is None or event.p is not None:
        what = "1-d" if event.y is None else "graded"
        raise ValueError(
            f"`event` is {what}, expected 2-d binary events; write an .npz file instead."
        )
    time = np.round(event.t * 1000)
    limits = {"x": (event.x, 14), "y": (event.y, 14), "c": (event.c, 1), "t": (time, 32)}
    for name, (value, bits) in limits.items():
        if value.size and not (value.min() >= 0 and value.max() < 2**bits):
            raise ValueError(
                f"`event.{name}` runs from {value.min():g} to {value.max():g}, expected 0 to "
                f"{2**bits - 1}, which is what the format holds; shift or drop events."
            )
    height, width = size or (event.y.max(initial=0) + 1, event.x.max(initial=0) + 1)
    record = np.empty(len(event), _RECORD)
    record["t"] = time
    record["place"] = event.x | (event.y << 14) | (event.c << 28)
    header = f"% Data file containing CD events.\n% Version 2\n% Width {width}\n% Height {height}\n"
    with replacing(path) as file:
        file.write(header.encode("ascii") + bytes((12, _RECORD.itemsize)) + record.tobytes())
