"""Boxes as arrays: corners and centers, pixels and fractions, cut, mirrored, cropped.

A row is ``(x center, y center, width, height[, confidence, label])``, in fractions of the frame;
what stands behind the first four columns is handed on. NumPy arrays give NumPy arrays, JAX arrays
give JAX arrays, and no argument is edited.
"""

from typing import Any

from jslayer.obd.arrays import boxes as _boxes
from jslayer.obd.arrays import namespace

__all__ = ["centers", "clip", "corners", "crop", "flip", "to_fractions", "to_pixels"]


def __dir__() -> list[str]:
    return __all__


def corners(boxes: Any) -> Any:
    """Turns ``(x, y, width, height, ..)`` into ``(xmin, ymin, xmax, ymax, ..)``.

    Args:
      boxes: ``[.., >= 4]``.

    Returns:
      The same shape.

    Example:
      >>> corners([[0.5, 0.5, 0.2, 0.4]]).round(2).tolist()
      [[0.4, 0.3, 0.6, 0.7]]
    """
    boxes = _boxes("boxes", boxes)
    middle, half = boxes[..., :2], boxes[..., 2:4] / 2
    return _joined([middle - half, middle + half, boxes[..., 4:]])


def centers(boxes: Any) -> Any:
    """Turns ``(xmin, ymin, xmax, ymax, ..)`` into ``(x, y, width, height, ..)``.

    Args:
      boxes: ``[.., >= 4]``.

    Returns:
      The same shape.
    """
    boxes = _boxes("boxes", boxes)
    low, high = boxes[..., :2], boxes[..., 2:4]
    return _joined([(low + high) / 2, high - low, boxes[..., 4:]])


def to_pixels(boxes: Any, size: tuple[int, int]) -> Any:
    """Turns fractions of the frame into pixels; either form of box.

    Args:
      boxes: ``[.., >= 4]``.
      size: Height and width of the frame, in pixels.
    """
    return _scaled(boxes, size[1], size[0])


def to_fractions(boxes: Any, size: tuple[int, int]) -> Any:
    """Turns pixels into fractions of the frame; either form of box.

    Args:
      boxes: ``[.., >= 4]``.
      size: Height and width of the frame, in pixels.
    """
    return _scaled(boxes, 1 / size[1], 1 / size[0])


def clip(boxes: Any) -> Any:
    """Cuts boxes at the frame; what lies outside of it gets a side of 0.

    Args:
      boxes: ``[.., >= 4]``, in fractions.
    """
    xp = namespace(boxes)
    edges = corners(boxes)
    return centers(_joined([xp.clip(edges[..., :4], 0, 1), edges[..., 4:]]))


def flip(boxes: Any, *, x: bool = True, y: bool = False) -> Any:
    """Mirrors boxes: left and right, or top and bottom, or both.

    Args:
      boxes: ``[.., >= 4]``, in fractions.
      x: Swap left and right.
      y: Swap top and bottom.
    """
    boxes = _boxes("boxes", boxes)
    column, row = boxes[..., 0:1], boxes[..., 1:2]
    return _joined([1 - column if x else column, 1 - row if y else row, boxes[..., 2:]])


def crop(boxes: Any, window: tuple[float, float, float, float]) -> Any:
    """Counts boxes in fractions of a window of the frame; they may leave it.

    Args:
      boxes: ``[.., >= 4]``, in fractions of the frame.
      window: ``(xmin, ymin, xmax, ymax)`` of the window, in fractions of the frame.

    Raises:
      ValueError: The window is empty.
    """
    left, top, right, bottom = window
    if not (left < right and top < bottom):
        raise ValueError(
            f"`window` is {window}, expected (xmin, ymin, xmax, ymax) with an area; swap its edges."
        )
    boxes = _boxes("boxes", boxes)
    width, height = right - left, bottom - top
    shifted = [(boxes[..., 0:1] - left) / width, (boxes[..., 1:2] - top) / height]
    return _joined([*shifted, boxes[..., 2:3] / width, boxes[..., 3:4] / height, boxes[..., 4:]])


def _scaled(boxes: Any, x: float, y: float) -> Any:
    boxes = _boxes("boxes", boxes)
    sides = [boxes[..., k : k + 1] * (y if k % 2 else x) for k in range(4)]
    return _joined([*sides, boxes[..., 4:]])


def _joined(parts: list[Any]) -> Any:
    return namespace(*parts).concatenate(parts, axis=-1)
