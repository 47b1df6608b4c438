"""Pictures of 2-d events as arrays: counts in a window of time, and time surfaces."""

import math
from collections.abc import Sequence

import numpy as np

from jslayer.ops import check

from . import bins
from .event import Event
from .geometry import slice_time
from .landing import count


def event_frame(
    event: Event,
    start_ms: float = 0.0,
    end_ms: float = math.inf,
    *,
    dim: Sequence[int] | None = None,
) -> np.ndarray:
    """Counts the events of each channel and pixel with ``start_ms <= t < end_ms``.

    Args:
      event: 2-d. Payloads of graded events are added instead of counted.
      start_ms: In milliseconds.
      end_ms: In milliseconds.
      dim: Shape ``(C, H, W)``. Without it, the smallest that holds every event of the set.

    Returns:
      ``[C, H, W]`` float64.

    Raises:
      ValueError: The set is 1-d, or ``end_ms`` lies before ``start_ms``.

    Example:
      >>> event_frame(Event([0, 0], [1, 1], [0, 0], [1.0, 2.0]))
      array([[[0.],
              [2.]]])
    """
    picture, _ = _empty(event, dim)
    window = slice_time(event, start_ms, end_ms)
    inside, place = _placed(window, picture.shape)
    np.add.at(picture, place, 1.0 if window.p is None else window.p[inside])
    return picture


def time_surface(
    event: Event,
    time_ms: float | None = None,
    *,
    decay_ms: float = 50.0,
    dim: Sequence[int] | None = None,
) -> np.ndarray:
    """Shows how long ago each pixel last had an event.

    ``surface[c, y, x] = exp(-(time_ms - last[c, y, x]) / decay_ms)``; 0 where none was yet.

    Args:
      event: 2-d.
      time_ms: When to look, in milliseconds; later events do not count. Without it, at the last
        event.
      decay_ms: Time in which the surface falls to 1 / e.
      dim: Shape ``(C, H, W)``. Without it, the smallest that holds every event of the set.

    Returns:
      ``[C, H, W]`` float64 in [0, 1].

    Raises:
      ValueError: The set is 1-d, or ``decay_ms`` is not above 0.

    References:
      Lagorce et al., HOTS: A Hierarchy of Event-Based Time-Surfaces for Pattern Recognition, 2017.

    Example:
      >>> event = Event([0, 1], [0, 0], [0, 0], [0.0, 10.0])
      >>> time_surface(event, decay_ms=10.0).round(3)
      array([[[0.368, 1.   ]]])
    """
    check.positive("decay_ms", decay_ms)
    picture, last = _empty(event, dim)
    now = float(event.t.max(initial=0)) if time_ms is None else time_ms
    past = event[event.t <= now]
    inside, place = _placed(past, picture.shape)
    np.maximum.at(last, place, past.t[inside])
    return np.exp((last - now) / decay_ms)


def _empty(event: Event, dim: Sequence[int] | None) -> tuple[np.ndarray, np.ndarray]:
    axes = _axes(event)
    if dim is None:
        dim = bins.enclosing(dict(zip("cyx", axes, strict=True)))
    elif len(dim) != 3:
        raise ValueError(f"`dim` is {tuple(dim)}, expected (C, H, W); give one size per axis.")
    return np.zeros(dim), np.full(dim, -np.inf)


def _placed(event: Event, shape: Sequence[int]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    inside, place = bins.place(_axes(event), shape)
    if not inside.all():
        count(_axes(event), shape).warn(stacklevel=3)
    return inside, place


def _axes(event: Event) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if event.y is None:
        raise ValueError(
            "`event` is 1-d, expected 2-d events, which lie in a picture; draw a raster instead."
        )
    return event.c, event.y, event.x
