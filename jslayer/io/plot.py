"""Raster plots of events."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jslayer.ops import check

from . import style
from .event import Event


def raster(
    events: Any,
    *,
    sampling_time: float = 1,
    title: str | None = None,
    marker_size: float | None = None,
    axes: Any = None,
    names: Sequence[str] = (),
) -> Any:
    """Draws a mark for each event: time to the right, neuron upwards.

    Pixels are numbered row by row from the top left. Two channels are drawn as OFF (blue) and ON
    (orange), dark where both are at once, a payload as colour. Needs no display.

    Args:
      events: An ``Event``, or a tensor ``[X, T]``, ``[C, X, T]`` or ``[C, H, W, T]``.
      sampling_time: Length of a bin of a tensor, in milliseconds.
      title: Text above the axes.
      marker_size: Diameter of a mark, in points. Without it, smaller for more events.
      axes: matplotlib axes to draw on. Without them a new figure is made.
      names: Names of all neurons, such as those of classes, written in place of their numbers.

    Returns:
      The matplotlib ``Figure``; save it with ``figure.savefig(path)``.

    Raises:
      ImportError: matplotlib is not installed.
      ValueError: A tensor has another number of axes.
    """
    check.positive("sampling_time", sampling_time)
    event = style.as_event(events, sampling_time)
    figure = style.new_figure(7, 3.6, dpi=150) if axes is None else axes.figure
    axes = figure.add_subplot() if axes is None else axes
    size = marker_size if marker_size is not None else marker_diameter(len(event))
    scatter(axes, event, size)
    axes.set_xlabel("time (ms)")
    axes.set_ylabel("neuron" if event.y is None else "pixel (row by row)")
    if len(names):
        style.all_neurons(axes, len(names), names)
    if title is not None:
        axes.set_title(title, fontsize=10, color=style.TEXT, loc="left")
    style.tidy(axes)
    return figure


def scatter(axes: Any, event: Event, size: float) -> list[tuple[Any, np.ndarray]]:
    """Draws ``event`` on ``axes``; returns each collection of marks with its events' numbers."""
    row = neuron_number(event)
    drawn = []
    if event.p is not None:
        limit = float(np.abs(event.p).max(initial=0)) or 1.0
        marks = axes.scatter(
            event.t,
            row,
            size**2,
            event.p,
            cmap=style.payload_colours(),
            vmin=-limit,
            vmax=limit,
            linewidths=0,
        )
        bar = axes.figure.colorbar(marks, ax=axes, pad=0.02, aspect=30)
        bar.set_label("payload", size=9, color=style.TEXT)
        bar.ax.tick_params(labelsize=8, colors=style.TEXT)
        bar.outline.set_visible(False)
        drawn.append((marks, np.arange(len(event))))
    else:
        channels = style.channel_names(event)
        kind = np.asarray(event.c)
        if [name for _, name, _ in channels] == ["OFF", "ON"]:
            kind = _with_both(event, row)
            channels = style.with_both(channels) if (kind < 0).any() else channels
        for channel, name, colour in channels:
            chosen = np.flatnonzero(kind == channel)
            marks = axes.scatter(
                event.t[chosen], row[chosen], size**2, colour, linewidths=0, label=name or None
            )
            drawn.append((marks, chosen))
        style.legend(axes, markerscale=5 / size)
    last, top = float(event.t.max(initial=0)), int(row.max(initial=0))
    first = min(0.0, float(event.t.min(initial=0)))
    axes.set_xlim(first - 0.01 * (last - first + 1), last + 0.01 * (last - first + 1))
    axes.set_ylim(min(0, int(row.min(initial=0))) - 0.5 - 0.02 * top, top + 0.5 + 0.02 * top)
    axes.yaxis.get_major_locator().set_params(integer=True)
    return drawn


def _with_both(event: Event, row: np.ndarray) -> np.ndarray:
    """Channels of events; -1 for those that another channel has at the same place and time."""
    _, place = np.unique(np.stack([event.t, row], axis=1), axis=0, return_inverse=True)
    place = place.ravel()
    seen = [np.bincount(place[event.c == channel], minlength=len(event)) for channel in (0, 1)]
    return np.where((seen[0] > 0)[place] & (seen[1] > 0)[place], -1, event.c)


def neuron_number(event: Event) -> np.ndarray:
    """Numbers the place of each event: the id, or the pixel counted row by row."""
    if event.y is None:
        return event.x
    return event.y * (int(event.x.max(initial=0)) + 1) + event.x


def marker_diameter(count: int) -> float:
    """Diameter in points that keeps a raster of ``count`` events readable."""
    return float(np.clip(60 / np.sqrt(count + 1), 1.0, 4.0))
