"""How event pictures look, and the libraries that draw them, imported only when needed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jslayer._addresses import install

from .event import Event
from .tensor import tensor_to_event

# Okabe and Ito's palette, told apart with every kind of colour blindness: OFF is blue, ON orange,
# and what is both at once dark, as two inks on each other.
OFF, ON = "#0072B2", "#D55E00"
SINGLE = BOTH = "#333333"
MORE = (OFF, ON, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
GRID, TEXT, FAINT = "#E6E6E6", "#333333", "#D9D9D9"


def new_figure(width: float, height: float, dpi: float = 100) -> Any:
    """Makes a matplotlib figure of ``width`` x ``height`` inches, without a window or pyplot.

    Raises:
      ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"Plots need matplotlib: {install('viz')}.") from error
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def pillow_image() -> Any:
    """Imports Pillow's ``Image`` module.

    Raises:
      ImportError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"Pictures need Pillow: {install('viz')}.") from error
    return Image


def tidy(axes: Any) -> None:
    """Gives axes thin grey lines and small marks."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color("#999999")
    axes.tick_params(colors=TEXT, labelsize=8, length=3, color="#999999")
    axes.xaxis.label.set(color=TEXT, size=9)
    axes.yaxis.label.set(color=TEXT, size=9)


def legend(axes: Any, markerscale: float = 1.0) -> None:
    """Puts the labels of ``axes``, if there are any, in one line above its right end."""
    labels = axes.get_legend_handles_labels()[1]
    if labels:
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=len(labels),
            frameon=False,
            fontsize=8,
            labelcolor=TEXT,
            markerscale=markerscale,
            handletextpad=0.3,
            columnspacing=1.0,
            borderaxespad=0.2,
        )


def squares(axes: Any, channels: list[tuple[int, str, str]]) -> None:
    """Gives the legend of ``axes`` a square for each channel that has a name."""
    for _, name, colour in channels:
        if name:
            axes.scatter([], [], 30, colour, marker="s", linewidths=0, label=name)


def with_both(channels: list[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    """The channels, and a third entry for pixels that are OFF and ON at once."""
    named = [name for _, name, _ in channels] == ["OFF", "ON"]
    return [*channels, (-1, "both", BOTH)] if named else channels


def all_neurons(axes: Any, count: int, names: Sequence[str] = ()) -> None:
    """Shows all neurons of a raster, those without events too, by name where there are as many."""
    axes.set_ylim(-0.5 - 0.02 * count, count - 0.5 + 0.02 * count)
    if len(names) == count:
        axes.set_yticks(range(count), names)
        axes.set_ylabel("")
    else:
        axes.yaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)


def payload_colours() -> Any:
    """Makes the colour map of payloads, grey at 0 so that small ones show on white."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("payload", [OFF, "#BBBBBB", ON])


def as_event(events: Any, sampling_time: float) -> Event:
    """Passes an ``Event`` on and lists a tensor ``[X, T]``, ``[C, X, T]`` or ``[C, H, W, T]``."""
    if isinstance(events, Event):
        return events
    array = np.asarray(events)
    return tensor_to_event(array[None] if array.ndim == 2 else array, sampling_time)


def channel_names(event: Event) -> list[tuple[int, str, str]]:
    """Lists number, name (``""`` if it needs none) and colour of the channels in ``event``."""
    channels = np.unique(event.c).tolist()
    if channels == [0, 1] or (channels == [1] and event.num_dims == 2):
        return [(c, ("OFF", "ON")[c], (OFF, ON)[c]) for c in channels]
    if len(channels) <= 1:
        return [(c, "", SINGLE) for c in channels]
    return [(c, f"channel {c}", MORE[i % len(MORE)]) for i, c in enumerate(channels)]
