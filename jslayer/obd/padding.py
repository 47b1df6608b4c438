"""Objects of a frame in arrays of one size: rows, and the kind of each row."""

from collections.abc import Sequence
from typing import Any

import numpy as np

OBJECT, NONE, IGNORE = 1, 0, -1


def pad_objects(
    rows: Any,
    kind: Any = None,
    *,
    most: int,
    num_classes: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Writes the objects of a frame into ``most`` rows, the largest first.

    Args:
      rows: ``[n, 6]``. ``(x, y, width, height, confidence, label)`` in fractions of the frame.
      kind: ``[n]``: 1 for an object, -1 for one to be ignored (a crowd, a tiny one). ``None``: all
        1.
      most: Rows to return.
      num_classes: Labels are below it; ``None``: not checked.

    Returns:
      ``[most, 6]`` float32 and its kinds ``[most]`` int8, 0 in the rows without an object.

    Raises:
      ValueError: There are more objects than ``most``, or a box is none: see ``check_objects``.

    Example:
      >>> rows, kind = pad_objects([[0.5, 0.5, 0.2, 0.2, 1.0, 3.0]], most=2)
      >>> rows.shape, kind.tolist()
      ((2, 6), [1, 0])
    """
    rows = np.asarray(rows, np.float32).reshape(-1, 6)
    kind = np.ones(len(rows), np.int8) if kind is None else np.asarray(kind, np.int8)
    check_objects("rows", rows, kind, num_classes=num_classes)
    if len(rows) > most:
        raise ValueError(
            f"`rows` has {len(rows)} objects in a frame, expected at most {most}; raise `most`, or "
            "leave out the smallest."
        )
    order = largest_first(rows)
    padded, kinds = np.zeros((most, 6), np.float32), np.zeros(most, np.int8)
    padded[: len(rows)], kinds[: len(rows)] = rows[order], kind[order]
    return padded, kinds


def largest_first(rows: np.ndarray) -> np.ndarray:
    """Returns the order ``[n]`` of rows ``[n, >= 4]`` by area, the earlier first of equal ones."""
    return np.argsort(-rows[:, 2] * rows[:, 3], kind="stable")


def check_objects(
    name: str, rows: np.ndarray, kind: np.ndarray, *, num_classes: int | None = None
) -> None:
    """Raises ``ValueError`` unless every row that holds an object holds a box of the frame.

    Its center lies in the frame; parts of it may lie outside.

    Args:
      name: Of the argument.
      rows: ``[.., M, 6]``.
      kind: ``[.., M]``.
      num_classes: Labels are below it; ``None``: not checked.
    """
    if rows.shape[:-1] != kind.shape or rows.shape[-1:] != (6,):
        raise ValueError(
            f"`{name}` has shape {rows.shape} beside kinds of {kind.shape}, expected [.., M, 6] "
            "and [.., M]; give every row a kind."
        )
    there = rows[kind != NONE]
    bad = problems(there, num_classes)
    if not bad.any():
        return
    row = there[np.argmax(bad)].astype(np.float64)
    if not np.isfinite(row).all():
        wrong = "expected numbers; leave such boxes out"
    elif (row[2:4] <= 0).any():
        wrong = "expected a width and a height above 0; leave such boxes out"
    elif ((row[:2] < 0) | (row[:2] > 1) | (row[2:4] > 2)).any():
        wrong = (
            "expected a center in the frame, in fractions 0 to 1; divide by the size of the frame, "
            "or cut it with `obd.boxes.clip`"
        )
    else:
        most = "" if num_classes is None else f" to {num_classes - 1}"
        wrong = f"expected a whole label from 0{most}; map the classes"
    raise ValueError(f"`{name}` has the row {row.round(4).tolist()}, {wrong}.")


def problems(rows: np.ndarray, num_classes: int | None = None) -> np.ndarray:
    """Marks the rows of ``[.., 6]`` that hold no box of the frame, see ``check_objects``."""
    with np.errstate(invalid="ignore"):
        place, side, label = rows[..., :2], rows[..., 2:4], rows[..., 5]
        good = np.isfinite(rows).all(-1) & ((place >= 0) & (place <= 1)).all(-1)
        good &= ((side > 0) & (side <= 2)).all(-1) & (label >= 0) & (label == np.floor(label))
        if num_classes is not None:
            good &= label < num_classes
    return ~good


def rows_of(padded: Any, found: Any) -> list[np.ndarray]:
    """Lists the rows of each frame that are there.

    Args:
      padded: ``[F, D, 6]``.
      found: ``[F, D]``; true, or a kind other than 0, where a row counts.
    """
    padded, found = np.asarray(padded), np.asarray(found) != 0
    return [rows[there] for rows, there in zip(padded, found, strict=True)]


def number_of_rows(counts: Sequence[int], *, least: int = 16) -> int:
    """Rounds the largest of ``counts`` up to a power of two, so that few sizes are compiled."""
    return 1 << (max([least, *counts]) - 1).bit_length()
