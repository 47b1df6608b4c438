"""Event files of five bytes an event: ``.bs1`` for neuron ids, ``.bs2`` and ``.bin`` for pixels.

One event is a big-endian number of 40 bits without any header: 16 bits of place (the id, or x
and then y), one bit of channel (0 OFF, 1 ON), 23 bits of time in microseconds.

References:
  Orchard et al., Converting Static Image Datasets to Spiking Neuromorphic Datasets Using
  Saccades, 2015.
"""

import numpy as np

from .event import Event
from .files import PathLike, existing, replacing

_BYTES = 5
_LAST_MICROSECOND = 2**23 - 1


def read_1d_spikes(path: PathLike) -> Event:
    """Reads a 1-d binary event file.

    Args:
      path: A ``.bs1`` file.

    Returns:
      The events in the order of the file, channels as stored.

    Raises:
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file does not hold a whole number of events.
    """
    raw = _read(path)
    place = (raw[:, 0].astype(np.int64) << 8) | raw[:, 1]
    return Event(place, None, *_channel_and_time(raw))


def read_2d_spikes(path: PathLike) -> Event:
    """Reads a 2-d binary event file, the format of N-MNIST.

    Args:
      path: A ``.bs2`` or ``.bin`` file.

    Returns:
      The events in the order of the file, channels as stored.

    Raises:
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file does not hold a whole number of events.
    """
    raw = _read(path)
    return Event(raw[:, 0], raw[:, 1], *_channel_and_time(raw))


def encode_1d_spikes(path: PathLike, event: Event) -> None:
    """Writes a 1-d binary event file.

    Args:
      path: The file, replaced only when all is well.
      event: 1-d and binary; ids to 65535, channels 0 and 1, times from 0 to 8388.607 ms, which
        are rounded to microseconds.

    Raises:
      ValueError: An event does not fit the format.
      FileNotFoundError: The folder does not exist.
    """
    _require_dims(event, 1, "encode_2d_spikes")
    _require_range("x", event.x, 0, 2**16 - 1)
    raw = np.empty((len(event), _BYTES), np.uint8)
    raw[:, 0] = event.x >> 8
    raw[:, 1] = event.x & 0xFF
    _write(path, raw, event)


def encode_2d_spikes(path: PathLike, event: Event) -> None:
    """Writes a 2-d binary event file, the format of N-MNIST.

    Args:
      path: The file, replaced only when all is well.
      event: 2-d and binary; x and y to 255, channels 0 and 1, times from 0 to 8388.607 ms, which
        are rounded to microseconds.

    Raises:
      ValueError: An event does not fit the format.
      FileNotFoundError: The folder does not exist.
    """
    _require_dims(event, 2, "encode_1d_spikes")
    raw = np.empty((len(event), _BYTES), np.uint8)
    for column, (name, value) in enumerate([("x", event.x), ("y", np.asarray(event.y))]):
        _require_range(name, value, 0, 255)
        raw[:, column] = value
    _write(path, raw, event)


def _read(path: PathLike) -> np.ndarray:
    data = existing(path).read_bytes()
    if len(data) % _BYTES:
        raise ValueError(
            f"`path` is {path} of {len(data)} bytes, expected a multiple of {_BYTES}; "
            "the file is cut short or of another format."
        )
    return np.frombuffer(data, np.uint8).reshape(-1, _BYTES)


def _channel_and_time(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    high, middle, low = raw[:, 2:].T.astype(np.int64)
    return high >> 7, ((high & 0x7F) << 16 | middle << 8 | low) / 1000


def _write(path: PathLike, raw: np.ndarray, event: Event) -> None:
    if event.p is not None:
        raise ValueError(
            "`event` carries payloads, expected binary events, for the format has no room for "
            "payloads; leave `p` out to drop them, or save the arrays another way."
        )
    _require_range("c", event.c, 0, 1)
    time = np.round(np.asarray(event.t) * 1000)
    _require_range("t", time, 0, _LAST_MICROSECOND, unit=" microseconds")
    time = time.astype(np.int64)
    raw[:, 2] = (event.c << 7) | (time >> 16)
    raw[:, 3] = (time >> 8) & 0xFF
    raw[:, 4] = time & 0xFF
    with replacing(path) as file:
        file.write(raw.tobytes())


def _require_dims(event: Event, num_dims: int, other: str) -> None:
    if event.num_dims != num_dims:
        raise ValueError(
            f"`event` is {event.num_dims}-d, expected {num_dims}-d events; use {other}."
        )


def _require_range(name: str, value: np.ndarray, low: int, high: int, unit: str = "") -> None:
    value = np.asarray(value)
    if value.size and (value.min() < low or value.max() > high):
        raise ValueError(
            f"`event.{name}` runs from {value.min():g} to {value.max():g}{unit}, expected "
            f"{low} to {high}, which is what the format holds; shift or drop events."
        )
