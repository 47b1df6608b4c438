"""The frames of an animation: pixels that flash and fade, or a raster that fills up."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import bins, style
from .event import Event
from .plot import marker_diameter, scatter

_FADE = 0.45  # part of a pixel's colour that is left a frame later
_DARK = 0.05  # less than this is not shown, so that the background stays clean


class Shown(NamedTuple):
    """Events that an animation shows, alone or beside others.

    Attributes:
      title: Text above them, or ``None``.
      event: The events.
      neurons: How many neurons a raster has, or ``None``: as many as have events.
    """

    title: str | None
    event: Event
    neurons: int | None


def frames(
    shown: Sequence[Shown], edges: np.ndarray, title: str | None, names: Sequence[str]
) -> list[np.ndarray]:
    """Draws events side by side: one frame ``[height, width, 3]`` for each time between ``edges``.

    Args:
      shown: What to draw.
      edges: ``[frames + 1]``, in milliseconds.
      title: Text beside the time.
      names: Names of the neurons of a raster that has as many.

    Returns:
      Frames, uint8.
    """
    sizes = [_inches(part.event) for part in shown]
    figure = style.new_figure(sum(width for width, _ in sizes), max(height for _, height in sizes))
    grid = figure.subplots(1, len(shown), squeeze=False, width_ratios=[size[0] for size in sizes])
    panels: list[_Pixels | _Raster] = []
    for axes, part in zip(grid[0], shown, strict=True):
        if part.event.y is None:
            panels.append(_Raster(axes, part, edges, names))
        else:
            panels.append(_Pixels(axes, part.event, edges))
        if len(shown) > 1:
            axes.set_title(part.title, fontsize=9, color=style.TEXT, loc="left")
    look = dict(fontsize=9, color=style.TEXT, family="monospace")
    if len(shown) > 1:
        label = figure.suptitle(" ", x=0.01, ha="left", **look)
    else:
        label = grid[0, 0].set_title("", loc="left", **look)
    drawn = []
    for number, now in enumerate(edges[1:]):
        for panel in panels:
            panel.show(number, now)
        label.set_text(_caption(title, now, edges))
        figure.canvas.draw()
        drawn.append(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy())
    return drawn


def _inches(event: Event) -> tuple[float, float]:
    if event.y is None:
        return 6.4, 3.4
    height, width = bins.enclosing({"y": event.y, "x": event.x})
    inches = 4.0 / max(height, width)
    return max(2.2, width * inches) + 0.7, max(1.6, height * inches) + 0.9


class _Pixels:
    """A 2-d set as the camera saw it."""

    def __init__(self, axes: Any, event: Event, edges: np.ndarray) -> None:
        self.light = pixel_light(event, edges)
        channels = _polarities(event)
        self.colours = [colour for _, _, colour in channels]
        self.picture = axes.imshow(blend(self.light[:, 0], self.colours), interpolation="nearest")
        axes.set_xlabel("x (pixel)")
        axes.set_ylabel("y (pixel)")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.get_major_locator().set_params(integer=True)
        style.tidy(axes)
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_color(style.FAINT)
        style.squares(axes, style.with_both(channels))
        style.legend(axes)

    def show(self, number: int, now: float) -> None:
        """Draws a frame."""
        del now
        self.picture.set_data(blend(self.light[:, number], self.colours))


class _Raster:
    """A 1-d set: the raster in grey, in colour up to a line that moves."""

    def __init__(self, axes: Any, part: Shown, edges: np.ndarray, names: Sequence[str]) -> None:
        self.event = event = part.event
        size = marker_diameter(len(event))
        axes.scatter(event.t, event.x, size**2, style.FAINT, linewidths=0)
        self.marks = scatter(axes, event, size)
        self.line = axes.axvline(edges[0], color="#888888", linewidth=1)
        self.place = np.stack([event.t, event.x], axis=1)
        axes.set_xlabel("time (ms)")
        axes.set_ylabel("neuron")
        style.tidy(axes)
        if part.neurons is not None:
            style.all_neurons(axes, part.neurons, names)
            axes.set_xlim(edges[0], edges[-1])

    def show(self, number: int, now: float) -> None:
        """Draws a frame."""
        del number
        for collection, numbers in self.marks:
            past = numbers[self.event.t[numbers] <= now]
            collection.set_offsets(self.place[past])
            if self.event.p is not None:
                collection.set_array(self.event.p[past])
        self.line.set_xdata([now, now])


def pixel_light(event: Event, edges: np.ndarray) -> np.ndarray:
    """Returns ``[C, frames, H, W]`` in [0, 1]: 1 where an event just was, fading afterwards."""
    channels = [channel for channel, _, _ in _polarities(event)]
    frames = 4 * len(channels) * (len(edges) - 1)
    height, width = bins.enclosing({"y": np.asarray(event.y), "x": event.x}, frames)
    light = np.zeros((len(channels), len(edges) - 1, height, width), np.float32)
    # The last event may lie on the last edge, within rounding.
    frame = np.minimum(np.searchsorted(edges, event.t, side="right"), len(edges) - 1) - 1
    for number, channel in enumerate(channels):
        chosen = (event.c == channel) & (event.x >= 0) & (event.y >= 0)
        light[number, frame[chosen], event.y[chosen], event.x[chosen]] = 1
    for number in range(1, light.shape[1]):
        light[:, number] = np.maximum(light[:, number], _FADE * light[:, number - 1])
    light[light < _DARK] = 0
    return light


def blend(light: np.ndarray, colours: list[str]) -> np.ndarray:
    """Mixes channels ``[C, H, W]`` into a picture ``[H, W, 3]`` in [0, 1] on white.

    The newest channel gives the colour; where OFF and ON are equally new, both have their own.
    """
    weight = light**3
    if colours == [style.OFF, style.ON]:
        least, most = weight.min(axis=0), np.maximum(weight.max(axis=0), 1e-9)
        both = least * (least / most) ** 3
        weight, colours = np.stack([*(weight - both), both]), [*colours, style.BOTH]
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])
    mix = np.einsum("chw,ck->hwk", weight, rgb) / np.maximum(weight.sum(axis=0), 1e-9)[..., None]
    opacity = light.max(axis=0)[..., None]
    return 1 + opacity * (mix - 1)


def _polarities(event: Event) -> list[tuple[int, str, str]]:
    return style.channel_names(event) or [(0, "", style.SINGLE)]


def _caption(title: str | None, now: float, edges: np.ndarray) -> str:
    digits = 0 if edges[1] - edges[0] >= 1 else 2
    width = len(f"{edges[-1]:.{digits}f}")
    time = f"{now:{width}.{digits}f} ms"
    return time if title is None else f"{title}  {time}"


def neurons_of(events: Any) -> int | None:
    """How many neurons a tensor ``[X, T]`` or ``[C, X, T]`` has; ``None`` for other events."""
    shape = () if isinstance(events, Event) else np.shape(events)
    return math.prod(shape[-2:-1]) if len(shape) in (2, 3) else None
