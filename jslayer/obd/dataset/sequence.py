"""What data sets of labelled videos share: cut to one length, read, scaled, padded."""

import abc
import dataclasses
import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jslayer.datasets.base import Arrays, Dataset, positive_integer
from jslayer.io import style
from jslayer.io.picture_file import read_rgb
from jslayer.io.text import shown
from jslayer.obd.boxes import centers
from jslayer.obd.dataset.tables import cut_to_frame, empty_tables, fill
from jslayer.obd.padding import IGNORE, OBJECT, largest_first
from jslayer.ops import check


@dataclasses.dataclass(frozen=True, eq=False)
class Labels:
    """The objects of a frame, as a file has them.

    Attributes:
      edges: ``[n, 4]``. xmin, ymin, xmax, ymax, in pixels of the original frame or in fractions.
      label: ``[n]``. Number of the class.
      kind: ``[n]``: 1 object, -1 to be ignored.
      track: ``[n]``. Number of the object within the video.
      fractions: ``edges`` are fractions of the frame.
    """

    edges: np.ndarray
    label: np.ndarray
    kind: np.ndarray
    track: np.ndarray
    fractions: bool = False


def labels(entries: Sequence[Sequence[float]] = (), *, fractions: bool = False) -> Labels:
    """Makes ``Labels`` of rows ``(xmin, ymin, xmax, ymax, label, kind, track)``."""
    table = np.array(entries, np.float64).reshape(-1, 7)
    return Labels(table[:, :4], table[:, 4], table[:, 5], table[:, 6], fractions)


class Sequences(Dataset):
    """Videos with boxes, cut into sequences: ``ds[i] -> (x, rows, kind, track)``.

    ``x`` is ``[3, H, W, T]`` float32 in [0, 1], or uint8; ``rows`` ``[T, M, 6]`` float32, boxes in
    fractions of the frame, the largest first; ``kind`` ``[T, M]`` int8, 1 object, 0 none, -1 to be
    ignored; ``track`` ``[T, M]`` int64, -1 for none. The last sequence of a video is filled up with
    its last frame, whose objects are ignored from then on; a single picture is held for all steps.

    Boxes are cut at the frame. What then has no area, or is no number, is left out and counted in
    ``dropped``; with ``strict`` it is an error.

    Args:
      lengths: Frames of every video.
      classes: Names of the labels.
      size: Height and width to which frames are scaled.
      seq_len: Frames ``T`` of a sequence.
      most: Rows ``M`` of a frame.
      strict: A bad box is an error.
      dtype: ``float32`` or ``uint8``.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        classes: Sequence[str],
        size: tuple[int, int],
        seq_len: int,
        most: int,
        strict: bool,
        dtype: Any,
    ):
        self.classes = tuple(classes)
        self.size = positive_integer("size", size[0]), positive_integer("size", size[1])
        self.seq_len = positive_integer("seq_len", seq_len)
        self.most = positive_integer("most", most)
        self.strict = strict
        self.dtype = np.dtype(dtype)
        check.choice("dtype", self.dtype, (np.dtype(np.float32), np.dtype(np.uint8)))
        self._lengths = list(lengths)
        self._cuts = [
            (video, first)
            for video, length in enumerate(self._lengths)
            for first in range(0, length, self.seq_len)
        ]
        self._dropped: dict[tuple[int, int], int] = {}
        self._cached = functools.lru_cache(maxsize=64)(self.labels_of)

    @abc.abstractmethod
    def labels_of(self, video: int) -> Sequence[Labels]:
        """Reads the objects of every frame of a video."""

    @abc.abstractmethod
    def pictures_of(self, video: int, first: int, stop: int) -> list[tuple[np.ndarray, Any]]:
        """Reads frames: pictures ``[H, W, 3]`` uint8, and ``(height, width)`` of the originals."""

    def __len__(self) -> int:
        return len(self._cuts)

    @property
    def dropped(self) -> int:
        """Boxes left out in the frames that were read so far."""
        return sum(self._dropped.values())

    def batch(self, indices: Sequence[int] | np.ndarray) -> Arrays:
        """Reads ``x [N, 3, H, W, T]``, ``rows [N, T, M, 6]``, ``kind`` and ``track [N, T, M]``."""
        x = np.empty((len(indices), 3, *self.size, self.seq_len), self.dtype)
        tables = rows, kind, track = empty_tables(len(indices), self.seq_len, self.most)
        for n, index in enumerate(indices):
            video, first = self._cuts[int(index)]
            stop = min(first + self.seq_len, self._lengths[video])
            read = self.pictures_of(video, first, stop)
            for t, (picture, original) in enumerate(read):
                x[n, ..., t] = self._scaled(picture)
                objects = self._objects(video, first + t, original)
                fill(tables, (n, t), objects, _place(video, first + t))
            last, still = len(read) - 1, self._lengths[video] == 1
            for t in range(last + 1, self.seq_len):
                x[n, ..., t], rows[n, t], track[n, t] = (
                    x[n, ..., last],
                    rows[n, last],
                    track[n, last],
                )
                kind[n, t] = kind[n, last] if still else -np.abs(kind[n, last])
        return x, rows, kind, track

    def _scaled(self, picture: np.ndarray) -> np.ndarray:
        picture = np.moveaxis(picture, -1, 0)
        return picture if self.dtype == np.uint8 else picture.astype(np.float32) / np.float32(255)

    def _objects(self, video: int, number: int, original: tuple[int, int]) -> np.ndarray:
        """Objects of a frame ``[n, 8]``: row, kind, track."""
        found = self._cached(video)[number]
        height, width = (1, 1) if found.fractions else original
        edges = found.edges / [width, height, width, height]
        cut, good = cut_to_frame(edges)
        if self.strict and not good.all():
            row = found.edges[np.argmin(good)].tolist()
            raise ValueError(
                f"`root` has the box {row} in {_place(video, number)}, expected an area within the "
                "frame; mend it, or leave `strict` out to skip such boxes."
            )
        self._dropped[video, number] = int((~good).sum())
        boxes = centers(cut[good])
        ones = np.ones(len(boxes))
        rest = (part[good] for part in (found.label, found.kind, found.track))
        label, kind, track = rest
        table = np.column_stack([boxes, ones, label, kind, track]).reshape(-1, 8)
        return table[largest_first(table)]


def _place(video: int, number: int) -> str:
    return f"frame {number} of video {video}"


class PictureFiles(Sequences):
    """Sequences whose frames are files of pictures; needs Pillow when one is read.

    Args:
      videos: Files of the frames of each video, in their order.
      **options: See ``Sequences``.
    """

    def __init__(self, videos: Sequence[Sequence[Path]], **options: Any):
        super().__init__([len(files) for files in videos], **options)
        self.videos = [list(files) for files in videos]

    def pictures_of(self, video: int, first: int, stop: int) -> list[tuple[np.ndarray, Any]]:
        """Returns frames and their original size."""
        return [read_picture(path, self.size) for path in self.videos[video][first:stop]]


def read_picture(path: Path, size: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """Reads a picture, scaled to ``size``: ``[H, W, 3]`` uint8, and its original size.

    Raises:
      FileNotFoundError: There is no such file.
      ValueError: It is no picture, or a broken one.
      ImportError: Pillow is not installed.
    """
    found = read_rgb(path)
    picture = found.resize(size[::-1], style.pillow_image().Resampling.BILINEAR)
    return np.asarray(picture), (found.height, found.width)


def inside(root: Path, name: str) -> Path:
    """Returns the file ``name`` below ``root``.

    Raises:
      ValueError: It lies elsewhere.
    """
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(
            f"`root` has a file that names {name!r}, expected names of files below {root}; mend it."
        )
    return path


def finite(word: str) -> float:
    """Returns the number that a word of an annotation says.

    Raises:
      ValueError: It says none, infinity or NaN.
    """
    number = float(word)
    if not math.isfinite(number):
        raise ValueError
    return number


def class_number(classes: Sequence[str], name: str, where: Any) -> int:
    """Returns the label of a class.

    Raises:
      ValueError: There is no such class.
    """
    try:
        return list(classes).index(name)
    except ValueError:
        raise ValueError(
            f"`classes` lacks {shown(repr(name))}, which {where} has, expected names among "
            f"{', '.join(classes)}; pass the classes of the data set."
        ) from None


def flagged(ignored: Any) -> int:
    """Kind of an object that may be marked as not to be judged."""
    return IGNORE if ignored else OBJECT
