"""What the file holds of one block, before it is written."""

import dataclasses
from typing import Any

import numpy as np

from jslayer.hdf5.write.numbers import int64


@dataclasses.dataclass
class Content:
    """What the file holds of one block.

    Attributes:
      datasets: Arrays and strings by path.
      attributes: Numbers that only we read.
      notes: What to warn about.
    """

    datasets: dict[str, Any] = dataclasses.field(default_factory=dict)
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)

    def add(self, other: "Content") -> None:
        """Takes in another one's datasets, attributes and notes."""
        self.datasets |= other.datasets
        self.attributes |= other.attributes
        self.notes += other.notes


def head(kind: str, shape: tuple[int, ...]) -> Content:
    """The two datasets that all layers have."""
    return Content({"type": np.array([kind], "S10"), "shape": int64(shape)})
