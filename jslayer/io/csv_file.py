"""Event files of text, ``.csv``: a line for each event, its columns named by the first line."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from jslayer.ops import check

from .event import Event
from .files import PathLike, events_of, existing
from .text import shown

MOST_BYTES = 2**31
COLUMNS = "txyp"
_NAMES = {
    "t": ("t", "time", "timestamp", "timestamps", "ts"),
    "x": ("x", "col", "column"),
    "y": ("y", "row"),
    "p": ("p", "on", "pol", "polarity", "c"),
}
_MORE = re.compile(r"[ _]*[\[(]?(?:us|µs|microseconds)[\])]?$|@\d+$")
"""A unit, or the size of the sensor, behind the name of a column."""
_POLARITIES = {"0": 0, "1": 1, "-1": 0, "false": 0, "true": 1, "off": 0, "on": 1}


def read_csv(
    path: PathLike,
    *,
    columns: str | None = None,
    first_at_zero: bool = False,
    max_bytes: int | None = None,
) -> Event:
    """Reads events from a text file, as event cameras' tools write them.

    A first line of words names the columns: ``t`` (``time``, ``timestamp``), ``x``, ``y`` and
    ``p`` (``on``, ``polarity``); others are passed over. Without such a line they are ``t``,
    ``x``, ``y``, ``p``. Fields are separated by comma, semicolon, tab or space; lines that begin
    with ``#`` are left out. Times are in microseconds, polarities 0 or 1, -1 or 1, or words.

    Args:
      path: A ``.csv`` file.
      columns: The columns in their order, such as ``"xypt"``, ``"-"`` for one to pass over, where
        the file does not say or says it in other words.
      first_at_zero: Count time from the first event.
      max_bytes: Largest size of the file; ``None``: 2 GiB.

    Returns:
      A 2-d set, channel 1 for ON.

    Raises:
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: A line is no event, the columns cannot be told, or the file is too large.

    Example:
      ``event = read_csv("hand.csv", columns="xypt")``
    """
    path = existing(path)
    if columns is not None and sorted(columns.replace("-", "")) != sorted(COLUMNS):
        raise ValueError(
            f"`columns` is {columns!r}, expected t, x, y and p once each, in the order of the "
            "file, and - for others; pass such as 'xypt'."
        )
    if max_bytes is not None:
        check.whole("max_bytes", max_bytes)
    most = MOST_BYTES if max_bytes is None else max_bytes
    if path.stat().st_size > most:
        raise ValueError(
            f"`path` is {path}, of {path.stat().st_size} bytes, expected at most {most}; pass a "
            "larger `max_bytes` if so."
        )
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = (line.strip() for line in file)
        t, x, y, p = _numbers(path, (line for line in lines if line and line[0] != "#"), columns)
    if first_at_zero and len(t):
        t = t - t.min()
    return events_of(path, x, y, p, t / 1000)


def _numbers(path: Path, lines: Iterable[str], columns: str | None) -> tuple[np.ndarray, ...]:
    """Times in microseconds, columns, rows and polarities of the lines that are left."""
    found: dict[str, list] = {name: [] for name in COLUMNS}
    places: dict[str, int] = {}
    separator: str | None = None
    for number, line in enumerate(lines, 1):
        if number == 1:
            separator = next((s for s in ",;\t" if s in line), None)
            fields = [field.strip().strip("\"'").lower() for field in line.split(separator)]
            order, is_header = _order(path, fields, columns)
            places = {name: order.index(name) for name in COLUMNS}
            if is_header:
                continue
        parts = line.split(separator)
        try:
            t, x, y = (float(parts[places[name]]) for name in "txy")
            p = _POLARITIES[parts[places["p"]].strip().lower().removesuffix(".0")]
            if not (0 <= x < 65536 and 0 <= y < 65536 and x == int(x) and y == int(y)):
                raise ValueError
        except (IndexError, KeyError, ValueError):
            order_text = "".join(sorted(places, key=lambda name: places[name]))
            raise ValueError(
                f"`path` is {path} with line {shown(repr(line[:100]))}, expected an event, its "
                f"columns {order_text}: a time, a pixel from 0 to 65535, a polarity of 0 or 1; "
                "mend it, or pass `columns` in the order of the file."
            ) from None
        for name, value in zip(COLUMNS, (t, x, y, p), strict=True):
            found[name].append(value)
    kinds = {"t": np.float64, "x": np.int64, "y": np.int64, "p": np.int64}
    return tuple(np.array(found[name], kinds[name]) for name in COLUMNS)


def _order(path: Path, fields: list[str], columns: str | None) -> tuple[str, bool]:
    """The columns in their order, and whether the first line says words."""
    is_header = not any(_is_number(field) for field in fields)
    if columns is not None or not is_header:
        return columns or COLUMNS, is_header
    known = {word: name for name, words in _NAMES.items() for word in words}
    order = "".join(known.get(_MORE.sub("", field), "-") for field in fields)
    if sorted(order.replace("-", "")) != sorted(COLUMNS):
        raise ValueError(
            f"`path` is {path} with columns {shown(repr(','.join(fields)[:100]))}, expected t, x, "
            "y and p among them, once each; pass `columns` in the order of the file."
        )
    return order, True


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
