"""Plots of 2-d events as pictures: frames of a window each, and time surfaces."""

import itertools
from typing import Any

import numpy as np

from jslayer.ops import check

from . import bins, style
from .event import Event
from .frames import blend
from .surface import event_frame, time_surface


def frame_plot(
    events: Any,
    *,
    count: int = 6,
    sampling_time: float = 1,
    title: str | None = None,
) -> Any:
    """Draws a recording as ``count`` pictures of equal windows of time, side by side.

    A pixel is the more coloured, the more events it had: OFF blue, ON orange, dark where as many of
    both.

    Args:
      events: A 2-d ``Event``, or a tensor ``[C, H, W, T]``.
      count: Pictures.
      sampling_time: Length of a bin of a tensor, in milliseconds.
      title: Text above the pictures.

    Returns:
      The matplotlib ``Figure``; save it with ``figure.savefig(path)``.

    Raises:
      ImportError: matplotlib is not installed.
      ValueError: The events are 1-d, or an argument is bad.
    """
    check.whole("count", count)
    event = _pixels(events, sampling_time)
    start, end = min(0.0, float(event.t.min(initial=0))), float(event.t.max(initial=0))
    edges = np.linspace(start, np.nextafter(end, np.inf) if end > start else start + 1, count + 1)
    dim = _dim(event)
    counts = [event_frame(event, a, b, dim=dim) for a, b in itertools.pairwise(edges)]
    most = max(1.0, float(np.percentile([c.max() for c in counts], 90)))
    pictures = [np.clip(np.abs(frame) / most, 0, 1) for frame in counts]
    names = [f"{a:.0f} to {b:.0f} ms" for a, b in itertools.pairwise(edges)]
    return _draw(event, pictures, names, title)


def surface_plot(
    events: Any,
    time_ms: float | None = None,
    *,
    decay_ms: float = 50.0,
    sampling_time: float = 1,
    title: str | None = None,
) -> Any:
    """Draws the time surface: full colour where an event just was, fading with its age.

    Args:
      events: A 2-d ``Event``, or a tensor ``[C, H, W, T]``.
      time_ms: When to look; without it, at the last event.
      decay_ms: Time in which the colour fades to 1 / e.
      sampling_time: Length of a bin of a tensor, in milliseconds.
      title: Text above the picture.

    Returns:
      The matplotlib ``Figure``; save it with ``figure.savefig(path)``.

    Raises:
      ImportError: matplotlib is not installed.
      ValueError: The events are 1-d, or an argument is bad.
    """
    event = _pixels(events, sampling_time)
    time_ms = float(event.t.max(initial=0)) if time_ms is None else time_ms
    surface = time_surface(event, time_ms, decay_ms=decay_ms, dim=_dim(event))
    return _draw(event, [surface], [f"at {time_ms:.0f} ms, decay {decay_ms:g} ms"], title)


def _pixels(events: Any, sampling_time: float) -> Event:
    check.positive("sampling_time", sampling_time)
    event = style.as_event(events, sampling_time)
    if event.y is None:
        raise ValueError(
            "`events` are 1-d, expected 2-d events, which lie in a picture; draw a raster instead."
        )
    return event


def _dim(event: Event) -> tuple[int, int, int]:
    c, y, x = bins.enclosing({"c": event.c, "y": np.asarray(event.y), "x": event.x})
    return c, y, x


def _draw(event: Event, pictures: list[np.ndarray], names: list[str], title: str | None) -> Any:
    channels = style.channel_names(event) or [(0, "", style.SINGLE)]
    numbers = [number for number, _, _ in channels]
    colours = [colour for _, _, colour in channels]
    height, width = pictures[0].shape[1:]
    columns = min(len(pictures), 6)
    rows = -(-len(pictures) // columns)
    side = 4.0 if len(pictures) == 1 else 1.9
    aspect = float(np.clip(height / width, 0.4, 2.5))
    figure = style.new_figure(
        columns * side + 0.6, rows * (side * aspect + 0.35) + 0.5, dpi=150 if columns < 3 else 120
    )
    for number, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        axes = figure.add_subplot(rows, columns, number + 1)
        axes.imshow(blend(picture[numbers], colours), interpolation="nearest")
        axes.set_title(name, fontsize=8, color=style.TEXT)
        style.tidy(axes)
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_color(style.FAINT)
        axes.xaxis.get_major_locator().set_params(integer=True, nbins=4)
        axes.yaxis.get_major_locator().set_params(integer=True, nbins=4)
        if number % columns:
            axes.set_yticklabels([])
    style.squares(figure.axes[0], style.with_both(channels))
    handles, _ = figure.axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(
            handles=handles,
            loc="outside upper right",
            ncols=len(handles),
            frameon=False,
            fontsize=8,
            labelcolor=style.TEXT,
        )
    if title is not None:
        figure.suptitle(title, fontsize=10, color=style.TEXT, x=0.01, ha="left")
    return figure
