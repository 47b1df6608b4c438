"""Files of spike counts, ``.bsn``: how often a neuron spikes, or should, between two times.

Ten bytes a record, big-endian, no header: neuron id (16 bits), start and end of the interval in
microseconds (24 bits each), number of spikes (16 bits).
"""

from typing import NamedTuple

import numpy as np

from .files import PathLike, existing, replacing

_WIDTHS = (2, 3, 3, 2)  # bytes of neuron, start, end, count


class SpikeCounts(NamedTuple):
    """How often neurons spike in intervals of time; all arrays are ``[records]``.

    Attributes:
      neuron: Ids, int64.
      start_ms: Start of the interval, float64.
      end_ms: End of the interval, float64.
      count: Spikes in it, int64.
    """

    neuron: np.ndarray
    start_ms: np.ndarray
    end_ms: np.ndarray
    count: np.ndarray


def read_spike_counts(path: PathLike) -> SpikeCounts:
    """Reads a file of spike counts.

    Args:
      path: A ``.bsn`` file.

    Raises:
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file does not hold a whole number of records.
    """
    data = existing(path).read_bytes()
    if len(data) % sum(_WIDTHS):
        raise ValueError(
            f"`path` is {path} of {len(data)} bytes, expected a multiple of {sum(_WIDTHS)}; "
            "the file is cut short or of another format."
        )
    raw = np.frombuffer(data, np.uint8).reshape(-1, sum(_WIDTHS)).astype(np.int64)
    columns = []
    for part in np.split(raw, np.cumsum(_WIDTHS)[:-1], axis=1):
        columns.append(part @ (256 ** np.arange(part.shape[1])[::-1]))
    neuron, start, end, count = columns
    return SpikeCounts(neuron, start / 1000, end / 1000, count)


def encode_spike_counts(path: PathLike, counts: SpikeCounts) -> None:
    """Writes a file of spike counts.

    Args:
      path: The file, replaced only when all is well.
      counts: Ids and counts to 65535, times from 0 to 16777.215 ms, which are rounded to
        microseconds. Four arrays of one length will do.

    Raises:
      ValueError: A number does not fit the format, or the arrays differ in length.
      FileNotFoundError: The folder does not exist.
    """
    columns = [np.atleast_1d(np.asarray(column, np.float64)) for column in counts]
    if len(columns) != 4 or any(c.ndim != 1 or len(c) != len(columns[0]) for c in columns):
        shapes = ", ".join(str(column.shape) for column in columns)
        raise ValueError(
            f"`counts` has shapes {shapes}, expected neuron, start_ms, end_ms and count, each "
            "[records]; give one entry per record."
        )
    raw = []
    for name, column, width in zip(SpikeCounts._fields, columns, _WIDTHS, strict=True):
        number = np.round(column * (1000 if name.endswith("_ms") else 1))
        if number.size and not (0 <= number.min() and number.max() < 256**width):
            raise ValueError(
                f"`counts.{name}` runs from {column.min():g} to {column.max():g}, which "
                f"{8 * width} bits do not hold, expected less; leave those records out."
            )
        shifts = 8 * np.arange(width)[::-1]
        raw.append((number.astype(np.int64)[:, None] >> shifts) & 0xFF)
    with replacing(path) as file:
        file.write(np.concatenate(raw, axis=1).astype(np.uint8).tobytes())
