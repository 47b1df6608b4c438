"""Moving pictures of events, as GIF, MP4 or HTML files."""

from pathlib import Path
from typing import Any

import numpy as np

from jslayer.ops import check

from . import style
from .files import PathLike
from .frames import pixel_frames, raster_frames
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
) -> list[np.ndarray]:
    """Plays events back, slowed down.

    A 2-d set is shown as the camera saw it, OFF and ON events in two colours that fade over the
    following frames. A 1-d set is a raster that fills up as a line moves through time.

    Args:
      events: An ``Event``, or a tensor ``[X, T]``, ``[C, X, T]`` or ``[C, H, W, T]``.
      path: File to write, ``.gif``, ``.mp4`` (needs the program ffmpeg) or ``.html`` (a page with
        a player, which needs nothing else). Without it the frames are only returned; ``Player``
        shows them in a notebook.
      sampling_time: Length of a bin of a tensor, in milliseconds.
      window_ms: Time that passes from one frame to the next, in milliseconds of the recording.
        Without it, a thirtieth of the recording.
      frame_rate: Frames shown per second.
      title: Text above the picture.

    Returns:
      Frames ``[height, width, 3]`` uint8.

    Raises:
      ImportError: matplotlib or Pillow is not installed.
      FileNotFoundError: ffmpeg is not on the search path, or there is no such folder.
      ValueError: An argument is bad, or would give more than 2000 frames.

    Example::

      animate(jslayer.io.read("recording.bs2"), "recording.gif")
    """
    check.positive("sampling_time", sampling_time)
    check.positive("frame_rate", frame_rate)
    suffix = None if path is None else Path(path).suffix.lower()
    if suffix is not None and suffix not in _SUFFIXES:
        raise ValueError(
            f"`path` is {path} with the suffix {suffix!r}, expected one of {', '.join(_SUFFIXES)}; "
            "choose one of these."
        )
    event = style.as_event(events, sampling_time)
    start = min(0.0, float(event.t.min(initial=0)))
    duration = max(float(event.t.max(initial=0)) - start, 1.0)
    window_ms = duration / 30 if window_ms is None else window_ms
    check.positive("window_ms", window_ms)
    count = int(np.floor(duration / window_ms)) + 1
    if count > 2000:
        raise ValueError(
            f"`window_ms` is {window_ms:g} for a recording of {duration:g} ms, which makes {count} "
            "frames, expected at most 2000; give a longer window."
        )
    edges = start + window_ms * np.arange(count + 1)
    draw = raster_frames if event.y is None else pixel_frames
    frames = draw(event, edges, title)
    if path is not None and suffix == ".html":
        Player(frames, frame_rate=frame_rate, title=title or "animation of events").save(path)
    elif path is not None:
        save = save_gif if suffix == ".gif" else save_mp4
        save(frames, path, frame_rate=frame_rate)
    return frames
