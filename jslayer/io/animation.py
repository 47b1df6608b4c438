"""Moving pictures of events, as GIF, MP4 or HTML files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jslayer.ops import check

from . import style
from .files import PathLike
from .frames import Shown, frames, neurons_of
from .player import Player
from .video import save_gif, save_mp4

_SUFFIXES = (".gif", ".mp4", ".html")


def animate(
    events: Any,
    path: PathLike | None = None,
    *,
    sampling_time: float = 1,
    window_ms: float | None = None,
    frame_rate: float = 12,
    title: str | None = None,
    names: Sequence[str] = (),
) -> list[np.ndarray]:
    """Plays events back, slowed down.

    A 2-d set is shown as the camera saw it: OFF events blue, ON events orange, dark where both are
    at once, fading over the following frames. A 1-d set is a raster that fills up as a line moves
    through time. Several, such as what goes into a network and what comes out, are shown side by
    side.

    Args:
      events: An ``Event``, or a tensor ``[X, T]``, ``[C, X, T]`` or ``[C, H, W, T]``; or several of
        them by their titles, in a mapping.
      path: File to write, ``.gif``, ``.mp4`` (needs the program ffmpeg) or ``.html`` (a page with
        a player, which needs nothing else). Without it the frames are only returned; ``Player``
        shows them in a notebook.
      sampling_time: Length of a bin of a tensor, in milliseconds.
      window_ms: Time that passes from one frame to the next, in milliseconds of the recording.
        Without it, a thirtieth of the recording.
      frame_rate: Frames shown per second.
      title: Text above the picture.
      names: Names of the neurons, such as classes, for a tensor that is a raster of as many.

    Returns:
      Frames ``[height, width, 3]`` uint8.

    Raises:
      ImportError: matplotlib or Pillow is not installed.
      FileNotFoundError: ffmpeg is not on the search path, or there is no such folder.
      ValueError: An argument is bad, or would give more than 2000 frames.

    Example::

      animate(jslayer.io.read("recording.bs2"), "recording.gif")
      animate({"input": x[0], "output": y[0]}, "answer.gif", names=("left", "right"))
    """
    check.positive("sampling_time", sampling_time)
    check.positive("frame_rate", frame_rate)
    suffix = None if path is None else Path(path).suffix.lower()
    if suffix is not None and suffix not in _SUFFIXES:
        raise ValueError(
            f"`path` is {path} with the suffix {suffix!r}, expected one of {', '.join(_SUFFIXES)}; "
            "choose one of these."
        )
    parts = events if isinstance(events, Mapping) else {None: events}
    if not parts:
        raise ValueError("`events` is an empty mapping, expected events by title; give some.")
    shown = [
        Shown(name, style.as_event(part, sampling_time), neurons_of(part))
        for name, part in parts.items()
    ]
    start = min(0.0, *(float(part.event.t.min(initial=0)) for part in shown))
    last = max(float(part.event.t.max(initial=0)) for part in shown)
    duration = max(last - start, 1.0)
    window_ms = duration / 30 if window_ms is None else window_ms
    check.positive("window_ms", window_ms)
    count = int(np.floor(duration / window_ms)) + 1
    if count > 2000:
        raise ValueError(
            f"`window_ms` is {window_ms:g} for a recording of {duration:g} ms, which makes {count} "
            "frames, expected at most 2000; give a longer window."
        )
    edges = start + window_ms * np.arange(count + 1)
    drawn = frames(shown, edges, title, names)
    if path is not None and suffix == ".html":
        Player(drawn, frame_rate=frame_rate, title=title or "animation of events").save(path)
    elif path is not None:
        save = save_gif if suffix == ".gif" else save_mp4
        save(drawn, path, frame_rate=frame_rate)
    return drawn
