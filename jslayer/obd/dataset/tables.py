"""Objects of frames on their way from files into arrays of one size."""

from typing import Any

import numpy as np

Tables = tuple[np.ndarray, np.ndarray, np.ndarray]
"""``rows [.., M, 6]``, ``kind`` and ``track [.., M]``."""


def empty_tables(*shape: int) -> Tables:
    """Tables without an object, ``shape`` ends in ``M``."""
    rows, kind = np.zeros((*shape, 6), np.float32), np.zeros(shape, np.int8)
    return rows, kind, np.full(shape, -1, np.int64)


def fill(tables: Tables, at: tuple[int, ...], objects: np.ndarray, where: Any) -> None:
    """Writes the objects of a frame ``[n, 8]`` (row, kind, track) into its place of the tables.

    Args:
      tables: To be written to.
      at: Place of the frame.
      objects: Its objects.
      where: What they belong to, for the error.

    Raises:
      ValueError: There are more of them than rows.
    """
    rows, kind, track = (table[at] for table in tables)
    if len(objects) > len(rows):
        raise ValueError(
            f"`most` is {len(rows)} for {len(objects)} objects in {where}, expected at least as "
            "many; raise it."
        )
    count = len(objects)
    rows[:count], kind[:count], track[:count] = objects[:, :6], objects[:, 6], objects[:, 7]


def cut_to_frame(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cuts boxes ``[n, 4]`` of edges in fractions at the frame, and marks those with an area."""
    with np.errstate(invalid="ignore"):
        cut = np.clip(edges, 0, 1)
        good = np.isfinite(edges).all(-1) & (cut[:, 2:] - cut[:, :2] > 0).all(-1)
    return cut, good
