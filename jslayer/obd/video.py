"""Films of detections: what a network says beside what is there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jslayer import io
from jslayer.io import style
from jslayer.io.files import PathLike
from jslayer.obd.annotation import annotation_from_tensor
from jslayer.obd.draw import beside, class_colour, draw_boxes, mark_bounding_boxes, render
from jslayer.ops import check

_FRAME_RATE = 10.0  # lava-dl's
_TITLES = ("Prediction", "Ground Truth")
_ENDINGS = (".gif", ".html", ".mp4")


def detection_frames(
    frames: Any,
    rows: Any,
    found: Any,
    *,
    classes: Sequence[str],
    truth: Any = None,
    kind: Any = None,
    enlarge: int | None = None,
) -> np.ndarray:
    """Draws a video with its detections and, where given, the objects beside them.

    Args:
      frames: ``[3, H, W, T]`` in [0, 1] or uint8, or events ``[2, H, W, T]``.
      rows: ``[T, D, 6]``. Detections: box, score, label.
      found: ``[T, D]``, where there is one.
      classes: Name of every label.
      truth: ``[T, M, 6]``. Objects.
      kind: ``[T, M]``: 1 object, 0 none, -1 ignored.
      enlarge: Pixels for each pixel of a frame; ``None``: as many as make 320 columns.

    Returns:
      ``[T, height, width, 3]`` uint8.

    Raises:
      ImportError: Pillow is not installed.
    """
    frames = np.asarray(frames)
    pictures = []
    for t in range(frames.shape[-1]):

        def drawn(t: int, rows: Any, kind: Any, title: str | None) -> np.ndarray:
            frame = frames[..., t]
            return draw_boxes(frame, rows, kind=kind, classes=classes, enlarge=enlarge, title=title)

        picture = drawn(t, rows[t], found[t], None if truth is None else _TITLES[0])
        if truth is not None:
            kinds = None if kind is None else kind[t]
            picture = beside(picture, drawn(t, truth[t], kinds, _TITLES[1]))
        pictures.append(picture)
    return np.stack(pictures)


def save_video(frames: Any, path: PathLike, *, frame_rate: float = _FRAME_RATE) -> None:
    """Writes pictures to a file, whose ending says how.

    Args:
      frames: ``[T, height, width, 3]`` uint8.
      path: Ends in ``.gif``, ``.html`` or ``.mp4``.
      frame_rate: Frames per second.

    Raises:
      ValueError: The ending is another.
      ImportError: Pillow is not installed (GIF and HTML).
      FileNotFoundError: There is no program ffmpeg (MP4).
    """
    ending = Path(path).suffix.lower()
    check.choice("path", ending, _ENDINGS)
    if ending == ".gif":
        io.save_gif(frames, path, frame_rate=frame_rate)
    elif ending == ".mp4":
        io.save_mp4(frames, path, frame_rate=frame_rate)
    else:
        io.Player(frames, frame_rate=frame_rate, title="detections").save(path)


def create_frames(
    inputs: Any,
    targets: Sequence[Sequence[Any]],
    predictions: Sequence[Sequence[Any]],
    classes: Sequence[str],
    batch: int = 0,
    box_color_map: Sequence[tuple[int, int, int]] | None = None,
) -> list[Any]:
    """Draws a sample of a batch: predictions left, objects right, as lava-dl does.

    Args:
      inputs: ``[N, 3, H, W, T]`` in [0, 1], or events ``[N, 2, H, W, T]``.
      targets: ``targets[t][n]`` is ``[k, 6]``: box in fractions, confidence, label.
      predictions: The same for what a network says.
      classes: Name of every label.
      batch: Number of the sample.
      box_color_map: Colour of every label; ``None``: the library's own.

    Returns:
      A picture of Pillow's for each frame.

    Raises:
      ImportError: Pillow is not installed.
    """
    image = style.pillow_image()
    from PIL import ImageDraw

    inputs = np.asarray(inputs)
    height, width = inputs.shape[2:4]
    size = {"height": height, "width": width}
    colours = box_color_map or [class_colour(label) for label in range(len(classes))]
    made = []
    for t in range(inputs.shape[-1]):
        picture = render(inputs[batch, ..., t])
        whole = image.new("RGB", (2 * width, height), (255, 255, 255))
        for side, rows in enumerate((predictions[t][batch], targets[t][batch])):
            objects = annotation_from_tensor(rows, size, classes)["annotation"]["object"]
            marked = mark_bounding_boxes(picture, objects, box_color_map=colours, thickness=2)
            ImageDraw.Draw(marked).text((2, height - 12), _TITLES[side], fill=(255, 255, 255))
            whole.paste(marked, (side * width, 0))
        made.append(whole)
    return made


create_frames_events = create_frames


def create_video(
    inputs: Any,
    targets: Sequence[Sequence[Any]],
    predictions: Sequence[Sequence[Any]],
    output_path: PathLike,
    classes: Sequence[str],
    box_color_map: Sequence[tuple[int, int, int]] | None = None,
    *,
    batch: int = 0,
    frame_rate: float = _FRAME_RATE,
) -> None:
    """Writes ``create_frames`` to a file.

    Args:
      inputs: ``[N, 3, H, W, T]`` in [0, 1], or events ``[N, 2, H, W, T]``.
      targets: ``targets[t][n]`` is ``[k, 6]``: box in fractions, confidence, label.
      predictions: The same for what a network says.
      output_path: A file that ends in ``.gif``, ``.html`` or ``.mp4``; without such an ending,
        ``.mp4`` is appended.
      classes: Name of every label.
      box_color_map: Colour of every label; ``None``: the library's own.
      batch: Number of the sample.
      frame_rate: Frames per second.

    Raises:
      ImportError: Pillow is not installed.
      FileNotFoundError: There is no program ffmpeg (MP4).
    """
    pictures = create_frames(inputs, targets, predictions, classes, batch, box_color_map)
    path = Path(output_path)
    if path.suffix.lower() not in _ENDINGS:
        path = path.with_name(path.name + ".mp4")
    save_video(np.stack([np.asarray(p) for p in pictures]), path, frame_rate=frame_rate)


create_video_events = create_video
