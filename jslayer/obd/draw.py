"""Boxes on pictures: frames, legible also where they are small, and pictures of events."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jslayer.io import style

Colour = tuple[int, int, int]

PALETTE: tuple[Colour, ...] = (
    *((230, 97, 0), (0, 114, 178), (0, 158, 115), (204, 121, 167), (240, 200, 0)),
    *((86, 180, 233), (170, 51, 119), (102, 166, 30), (220, 50, 50), (120, 120, 220)),
    *((150, 110, 60), (110, 110, 110)),
)
"""Colours of the classes, in turn."""

_WIDTH = 320  # columns that a drawn frame has at least
_ON, _OFF = (255, 0, 0), (0, 0, 255)
_IGNORED: Colour = (150, 150, 150)


def class_colour(label: int) -> Colour:
    """Returns the colour of a class, the same in every frame."""
    return PALETTE[int(label) % len(PALETTE)]


def to_picture(frame: Any, *, enlarge: int = 1) -> np.ndarray:
    """Makes a picture of a frame.

    Args:
      frame: ``[3, H, W]`` in [0, 1] or uint8, or two channels of events, 0 red and 1 blue.
      enlarge: Pixels of the picture for each pixel of the frame, along each side.

    Returns:
      ``[enlarge H, enlarge W, 3]`` uint8.

    Raises:
      ValueError: ``frame`` has another number of channels.
    """
    frame = np.asarray(frame)
    if frame.ndim != 3 or frame.shape[0] not in (2, 3):
        raise ValueError(
            f"`frame` has shape {frame.shape}, expected [3, H, W] or, for events, [2, H, W]; put "
            "the channels first."
        )
    if frame.shape[0] == 2:
        picture = np.full((*frame.shape[1:], 3), 255, np.uint8)
        for channel, colour in ((1, _OFF), (0, _ON)):  # ON covers OFF
            picture[frame[channel] != 0] = colour
    else:
        picture = np.moveaxis(frame, 0, -1)
        if picture.dtype != np.uint8:
            picture = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return picture.repeat(enlarge, 0).repeat(enlarge, 1)


def draw_boxes(
    frame: Any,
    rows: Any,
    *,
    classes: Sequence[str],
    kind: Any = None,
    enlarge: int | None = None,
    title: str | None = None,
) -> np.ndarray:
    """Draws boxes with name and confidence on a frame.

    Args:
      frame: ``[3, H, W]`` in [0, 1] or uint8, or events ``[2, H, W]``.
      rows: ``[n, 6]``: box in fractions of the frame, confidence, label. They may leave the frame.
      classes: Name of every label.
      kind: ``[n]``, or what ``nms`` calls ``found``: rows of kind 0 are not drawn, those of kind -1
        in grey. ``None``: all are drawn.
      enlarge: Pixels for each pixel of the frame; ``None``: as many as make 320 columns.
      title: A line above the picture.

    Returns:
      ``[height, width, 3]`` uint8.

    Raises:
      ImportError: Pillow is not installed.
    """
    image = style.pillow_image()
    from PIL import ImageDraw

    enlarge = enlarge or max(1, -(-_WIDTH // np.shape(frame)[2]))
    picture = image.fromarray(to_picture(frame, enlarge=enlarge))
    pen = ImageDraw.Draw(picture)
    rows = np.asarray(rows, np.float64).reshape(-1, 6)
    kinds = np.ones(len(rows), int) if kind is None else np.asarray(kind).astype(int).reshape(-1)
    scale = np.array([picture.width, picture.height])
    for number in np.argsort(rows[:, 4], kind="stable"):  # the best on top
        if not kinds[number] or not np.isfinite(rows[number]).all():
            continue
        middle, half = rows[number, :2] * scale, rows[number, 2:4] * scale / 2
        edges = _inside([*(middle - half), *(middle + half)], picture.size)
        if edges is None:
            continue
        confidence, label = rows[number, 4], int(rows[number, 5])
        colour = class_colour(label) if kinds[number] > 0 else _IGNORED
        pen.rectangle(edges, outline=colour, width=max(1, round(picture.width / 300)))
        if kinds[number] > 0:
            name = classes[label] if label < len(classes) else str(label)
            text = name if confidence >= 1 else f"{name} {100 * confidence:.0f}"
            _tag(pen, edges, text, colour, picture.size)
    made = np.asarray(picture)
    return made if title is None else np.concatenate([_banner(title, made.shape[1]), made])


def beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Puts two pictures of one height ``[H, W, 3]`` side by side, a white line between them."""
    gap = np.full((left.shape[0], 4, 3), 255, np.uint8)
    return np.concatenate([left, gap, right], axis=1)


def mark_bounding_boxes(
    image: Any,
    objects: Sequence[Mapping[str, Any]],
    box_color_map: Sequence[Colour] = (),
    box_color: Colour = (0, 255, 0),
    text_color: Colour = (0, 0, 255),
    thickness: int = 5,
) -> Any:
    """Draws the objects of an annotation on a copy of an image, as lava-dl does.

    Args:
      image: A picture of Pillow's, or ``[3, H, W]`` in [0, 1].
      objects: As in an annotation: ``id``, ``name``, ``bndbox`` in pixels and perhaps
        ``confidence``. What lies outside of the picture is not drawn.
      box_color_map: Colour of every id; names are then written in its complement.
      box_color: Of all boxes, without a map.
      text_color: Of all names, without a map.
      thickness: Of a line, times the confidence.

    Returns:
      A picture of Pillow's.

    Raises:
      ImportError: Pillow is not installed.
    """
    pillow = style.pillow_image()
    from PIL import ImageDraw

    picture = image.copy() if isinstance(image, pillow.Image) else render(image)
    pen = ImageDraw.Draw(picture)
    for entry in objects:
        corners = [float(entry["bndbox"][name]) for name in ("xmin", "ymin", "xmax", "ymax")]
        edges = _inside(corners, picture.size)
        if edges is None:
            continue
        colour, ink = box_color, text_color
        if len(box_color_map):
            red, green, blue = (int(part) for part in box_color_map[int(entry["id"])])
            colour, ink = (red, green, blue), (255 - red, 255 - green, 255 - blue)
        line = max(int(thickness * float(entry.get("confidence", 1.0))), 1)
        pen.rectangle(edges, outline=colour, width=line)
        left, top = edges[:2]
        pen.rectangle((left, top, left + 40, top + 10), fill=colour)
        pen.text((left, top), str(entry["name"]), fill=ink)
    return picture


def render(frame: Any) -> Any:
    """Makes a picture of Pillow's of a frame ``[3, H, W]`` or of events ``[2, H, W]``."""
    return style.pillow_image().fromarray(to_picture(frame))


def render_events_img(events: Any) -> Any:
    """Makes a picture of Pillow's of two channels of events ``[2, H, W]``: 0 red, 1 blue."""
    return render(events)


def _inside(corners: Sequence[float], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Whole pixels of a box, cut at the picture, or ``None`` where nothing of it is in there."""
    left, top, right, bottom = corners
    width, height = size
    if right <= 0 or bottom <= 0 or left >= width or top >= height or right < left or bottom < top:
        return None
    x0, y0 = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
    x1, y1 = min(width, int(np.ceil(right))) - 1, min(height, int(np.ceil(bottom))) - 1
    return x0, y0, max(x0, x1), max(y0, y1)


def _tag(
    pen: Any, edges: tuple[int, int, int, int], text: str, colour: Colour, size: tuple[int, int]
) -> None:
    left, top, right, bottom = pen.textbbox((0, 0), text)
    across, down = int(right - left) + 4, int(bottom - top) + 4
    x = max(0, min(edges[0], size[0] - across))
    y = edges[1] - down if edges[1] >= down else min(edges[1], size[1] - down)
    pen.rectangle((x, y, x + across, y + down), fill=colour)
    ink = (0, 0, 0) if sum(colour) > 330 else (255, 255, 255)
    pen.text((x + 2 - left, y + 2 - top), text, fill=ink)


def _banner(text: str, width: int) -> np.ndarray:
    from PIL import ImageDraw

    picture = style.pillow_image().new("RGB", (width, 16), (255, 255, 255))
    ImageDraw.Draw(picture).text((4, 2), text, fill=(40, 40, 40))
    return np.asarray(picture)
