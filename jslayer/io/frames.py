"""The frames of an animation: pixels that flash and fade, or a raster that fills up."""

from typing import Any

import numpy as np

from . import bins, style
from .event import Event
from .plot import marker_diameter, scatter

_FADE = 0.45  # part of a pixel's colour that is left a frame later
_DARK = 0.05  # less than this is not shown, so that the background stays clean


def pixel_frames(event: Event, edges: np.ndarray, title: str | None) -> list[np.ndarray]:
    """Draws a 2-d set: one frame ``[height, width, 3]`` for each time between two ``edges``."""
    light = pixel_light(event, edges)
    height, width = light.shape[2:4]
    inches = 4.0 / max(height, width)
    figure = style.new_figure(max(2.2, width * inches) + 0.7, max(1.6, height * inches) + 0.9)
    axes = figure.add_subplot()
    channels = _polarities(event)
    colours = [colour for _, _, colour in channels]
    picture = axes.imshow(blend(light[:, 0], colours), interpolation="nearest")
    axes.set_xlabel("x (pixel)")
    axes.set_ylabel("y (pixel)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.get_major_locator().set_params(integer=True)
    style.tidy(axes)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(style.FAINT)
    for _, name, colour in channels:
        if name:
            axes.scatter([], [], 30, colour, marker="s", linewidths=0, label=name)
    style.legend(axes)
    label = axes.set_title("", fontsize=9, color=style.TEXT, loc="left", family="monospace")
    frames = []
    for number in range(light.shape[1]):
        picture.set_data(blend(light[:, number], colours))
        label.set_text(_caption(title, edges[number + 1], edges))
        frames.append(_draw(figure))
    return frames


def raster_frames(event: Event, edges: np.ndarray, title: str | None) -> list[np.ndarray]:
    """Draws a 1-d set: the raster in grey, in colour up to the moving line."""
    figure = style.new_figure(6.4, 3.4)
    axes = figure.add_subplot()
    size = marker_diameter(len(event))
    axes.scatter(event.t, event.x, size**2, style.FAINT, linewidths=0)
    marks = scatter(axes, event, size)
    line = axes.axvline(edges[0], color="#888888", linewidth=1)
    axes.set_xlabel("time (ms)")
    axes.set_ylabel("neuron")
    style.tidy(axes)
    label = axes.set_title("", fontsize=9, color=style.TEXT, loc="left", family="monospace")
    place = np.stack([event.t, event.x], axis=1)
    frames = []
    for now in edges[1:]:
        for collection, numbers in marks:
            past = numbers[event.t[numbers] <= now]
            collection.set_offsets(place[past])
            if event.p is not None:
                collection.set_array(event.p[past])
        line.set_xdata([now, now])
        label.set_text(_caption(title, now, edges))
        frames.append(_draw(figure))
    return frames


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
    """Mixes channels ``[C, H, W]`` into a picture ``[H, W, 3]`` in [0, 1] on white."""
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])
    weight = light**3  # where channels meet, the newest gives the colour
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


def _draw(figure: Any) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
