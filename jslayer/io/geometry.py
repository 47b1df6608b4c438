"""Cutting and moving events in time and space; nothing here is random.

Every function returns a new set and leaves the one that it was given alone.
"""

import math

import numpy as np

from jslayer.ops import check

from .event import Event


def slice_time(
    event: Event, start_ms: float = 0.0, end_ms: float = math.inf, *, move: bool = True
) -> Event:
    """Keeps the events with ``start_ms <= t < end_ms``.

    Args:
      event: 1-d or 2-d.
      start_ms: In milliseconds.
      end_ms: In milliseconds.
      move: Let time begin at ``start_ms``, so that what happened then is at 0.

    Raises:
      ValueError: ``end_ms`` lies before ``start_ms``.
    """
    if not start_ms <= end_ms:
        raise ValueError(
            f"`end_ms` is {end_ms}, expected at least `start_ms`, which is {start_ms}; swap them."
        )
    kept = event[(event.t >= start_ms) & (event.t < end_ms)]
    return kept.replace(t=kept.t - start_ms) if move and np.isfinite(start_ms) else kept


def crop(
    event: Event,
    x: tuple[int, int],
    y: tuple[int, int] | None = None,
    *,
    move: bool = True,
) -> Event:
    """Keeps the events with ``x[0] <= event.x < x[1]``, and likewise for y.

    Args:
      event: 1-d or 2-d.
      x: First column (or neuron id) and the one after the last.
      y: First row and the one after the last; ``None`` for all of them.
      move: Count from the first column and row that are kept.

    Raises:
      ValueError: A range is empty, or ``y`` is given for a 1-d set.
    """
    inside = _between("x", event.x, x)
    if y is not None:
        inside &= _between("y", _rows(event), y)
    kept = event[inside]
    if not move:
        return kept
    return shift(kept, -x[0], 0 if y is None else -y[0])


def shift(event: Event, x: int = 0, y: int = 0, *, time_ms: float = 0.0) -> Event:
    """Moves events; nothing is dropped, for a tensor leaves out what lies outside of it.

    Args:
      event: 1-d or 2-d.
      x: Columns (or ids) to the right.
      y: Rows down.
      time_ms: Later by, in milliseconds.

    Raises:
      ValueError: ``y`` is not 0 for a 1-d set.

    Example:
      >>> shift(Event([1], None, [0], [2.0]), 3, time_ms=0.5)
      Event(1 events, 1-d, 2.5 to 2.5 ms)
    """
    rows = None if event.y is None and y == 0 else _rows(event) + y
    return event.replace(x=event.x + x, y=rows, t=event.t + time_ms)


def flip(event: Event, size: tuple[int, int], *, x: bool = False, y: bool = False) -> Event:
    """Mirrors a 2-d set.

    Args:
      event: 2-d.
      size: Height and width of the camera, in pixels.
      x: Swap left and right.
      y: Swap top and bottom.

    Raises:
      ValueError: The set is 1-d.
    """
    row, (height, width) = _rows(event), size
    return event.replace(x=width - 1 - event.x if x else event.x, y=height - 1 - row if y else row)


def rotate(event: Event, degrees: float, size: tuple[int, int]) -> Event:
    """Turns a 2-d set about the middle of the picture and drops what leaves it.

    Places are rounded to the nearest pixel, so that two events may come to lie in one.

    Args:
      event: 2-d.
      degrees: Angle, clockwise as seen on a screen (from the x axis towards the y axis, which
        points down).
      size: Height and width of the camera, in pixels.

    Raises:
      ValueError: The set is 1-d.
    """
    y, x = _rows(event) - (size[0] - 1) / 2, event.x - (size[1] - 1) / 2
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    column = np.round(cos * x - sin * y + (size[1] - 1) / 2).astype(np.int64)
    row = np.round(sin * x + cos * y + (size[0] - 1) / 2).astype(np.int64)
    inside = (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
    return event.replace(x=column, y=row)[inside]


def stretch_time(event: Event, factor: float) -> Event:
    """Multiplies every time by ``factor``; above 1 is slower.

    Raises:
      ValueError: ``factor`` is not above 0.
    """
    check.positive("factor", factor)
    return event.replace(t=event.t * factor)


def _rows(event: Event) -> np.ndarray:
    if event.y is None:
        raise ValueError(
            "`event` is 1-d, expected 2-d events, for ids have no rows; leave out what moves y."
        )
    return event.y


def _between(name: str, value: np.ndarray, limits: tuple[int, int]) -> np.ndarray:
    if not limits[0] < limits[1]:
        raise ValueError(f"`{name}` is {limits}, expected (first, one after the last); swap them.")
    return (value >= limits[0]) & (value < limits[1])
