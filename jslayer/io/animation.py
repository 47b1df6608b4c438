"""Moving pictures of events, as GIF files."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from jslayer.ops import check

from . import style
from .files import PathLike, replacing
from .frames import pixel_frames, raster_frames


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
      path: GIF file to write. Without it the frames are only returned.
      sampling_time: Length of a bin of a tensor, in milliseconds.
      window_ms: Time that passes from one frame to the next, in milliseconds of the recording.
        Without it, a thirtieth of the recording.
      frame_rate: Frames shown per second.
      title: Text above the picture.

    Returns:
      Frames ``[height, width, 3]`` uint8.

    Raises:
      ImportError: matplotlib or Pillow is not installed.
      ValueError: An argument is bad, or would give more than 2000 frames.

    Example::

      animate(jslayer.io.read("recording.bs2"), "recording.gif")
    """
    check.positive("sampling_time", sampling_time)
    check.positive("frame_rate", frame_rate)
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
    if path is not None:
        save_gif(frames, path, frame_rate=frame_rate)
    return frames


def save_gif(
    frames: Sequence[np.ndarray] | np.ndarray,
    path: PathLike,
    *,
    frame_rate: float = 12,
    loop: bool = True,
) -> None:
    """Writes frames to a GIF file.

    Args:
      frames: ``[frames, height, width, 3]`` uint8, or as many single frames.
      path: The file, replaced only when all is well.
      frame_rate: Frames per second. A GIF counts in hundredths of a second, so that the rate is
        rounded to ``100 / n``, 50 at most.
      loop: Start again at the end, for ever.

    Raises:
      ImportError: Pillow is not installed.
      ValueError: There are no frames, or they differ in shape, or are no colour pictures.
      TypeError: The frames are not uint8.
    """
    check.positive("frame_rate", frame_rate)
    image = style.pillow_image()
    shapes = {np.shape(frame) for frame in frames}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 3 or shape[-1] != 3 or 0 in shape:
        raise ValueError(
            f"`frames` has {len(frames)} frames of the wrong shape, expected at least one, all of "
            "the same [height, width, 3]; stack colour pictures of one size."
        )
    array = np.asarray(frames)
    if array.dtype != np.uint8:
        raise TypeError(
            f"`frames` has dtype {array.dtype}, expected uint8; scale to 0 .. 255 and convert."
        )
    # One palette for all frames: with one each, still parts of the picture would flicker.
    sample = array[:: max(1, len(array) // 8)]
    palette = image.fromarray(sample.reshape(-1, *array.shape[2:])).quantize(colors=128)
    pictures = [
        image.fromarray(frame).quantize(palette=palette, dither=image.Dither.NONE)
        for frame in array
    ]
    buffer = io.BytesIO()
    pictures[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=10 * max(2, round(100 / frame_rate)),
        optimize=False,
        **({"loop": 0} if loop else {}),
    )
    with replacing(path) as file:
        file.write(buffer.getvalue())
