"""Prophesee's automotive data sets: events of a camera on a car, with boxes."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jslayer.datasets.base import Arrays, Dataset, find_root, positive_integer
from jslayer.io.dat import read_dat, records
from jslayer.io.files import PathLike
from jslayer.io.npy import read_npy
from jslayer.io.text import shown
from jslayer.obd.boxes import centers
from jslayer.obd.dataset.tables import cut_to_frame, empty_tables, fill
from jslayer.obd.padding import IGNORE, OBJECT, largest_first
from jslayer.ops import check

_START_MS = 500.0  # labels before it are not judged


@dataclasses.dataclass(frozen=True)
class _Camera:
    """What a camera's recordings share; boxes with a smaller diagonal or side are to be ignored."""

    size: tuple[int, int]
    classes: tuple[str, ...]
    judged: int  # the first so many classes
    diagonal: int
    side: int


_CAMERAS = {
    "gen1": _Camera((240, 304), ("car", "pedestrian"), 2, 30, 10),
    "1mpx": _Camera(
        (720, 1280),
        (
            *("pedestrian", "two wheeler", "car", "truck", "bus", "traffic sign"),
            "traffic light",
        ),
        *(3, 60, 20),
    ),
}


class Prophesee(Dataset):
    """Sequences of event frames with boxes: ``ds[i] -> (x, rows, kind, track)``.

    ``x`` is ``[2, H, W, T]`` float32 of zeros and ones, channel 0 ON and 1 OFF: an event sets its
    pixel in the frame of its time. ``rows``, ``kind`` and ``track`` are those of `Sequences`. A
    frame has the newest boxes at or before its end; they are to be ignored where they are older
    than ``max_age_ms``, where a box is smaller than the data set's judges count, and where its
    class is not judged. Sequences start 0.5 s after the beginning, as the labels do.

    Args:
      root: Folder with ``X_td.dat`` and ``X_bbox.npy`` for every recording ``X``.
      camera: ``"gen1"`` (240 x 304; car, pedestrian) or ``"1mpx"`` (720 x 1280; pedestrian, two
        wheeler, car, and four classes that are not judged).
      step_ms: Time of a frame, in milliseconds.
      size: Height and width of a frame; ``None``: those of the camera.
      seq_len: Frames ``T`` of a sequence.
      most: Rows ``M`` of a frame.
      max_age_ms: Oldest boxes that count.
      strict: A bad box is an error; otherwise it is left out and counted in ``dropped``.

    Raises:
      FileNotFoundError: There is no such folder, no recording, or a file is missing.
      ValueError: A file is broken, or a recording is too short.

    References:
      de Tournemire et al., A Large Scale Event-based Detection Dataset for Automotive, 2020.
      Perot et al., Learning to Detect Objects with a 1 Megapixel Event Camera, 2020.
    """

    def __init__(
        self,
        root: PathLike | None = None,
        *,
        camera: Literal["gen1", "1mpx"] = "gen1",
        step_ms: float = 50.0,
        size: tuple[int, int] | None = None,
        seq_len: int = 32,
        most: int = 64,
        max_age_ms: float = 250.0,
        strict: bool = False,
    ):
        check.choice("camera", camera, tuple(_CAMERAS))
        check.positive("step_ms", step_ms)
        check.positive("max_age_ms", max_age_ms)
        self._camera = _CAMERAS[camera]
        self.classes = self._camera.classes
        self.size = self._camera.size if size is None else (int(size[0]), int(size[1]))
        self.seq_len = positive_integer("seq_len", seq_len)
        self.most = positive_integer("most", most)
        self.step_ms, self.max_age_ms, self.strict = step_ms, max_age_ms, strict
        folder = find_root(root, "prophesee", "X_td.dat and X_bbox.npy")
        self.files = sorted(folder.rglob("*_td.dat"))
        if not self.files:
            raise FileNotFoundError(
                f"`root` is {folder} without recordings, expected files *_td.dat; unpack the "
                "archive there."
            )
        length = self.step_ms * self.seq_len
        self._cuts = [
            (path, _START_MS + k * length)
            for path in self.files
            for k in range(max(0, int((_end_ms(path) - _START_MS) // length)))
        ]
        if not self._cuts:
            raise ValueError(
                f"`seq_len` is {seq_len} frames of {step_ms} ms, expected at most as long as a "
                "recording after its first 0.5 s; choose fewer or shorter ones."
            )
        self._dropped: dict[Path, int] = {}

    def __len__(self) -> int:
        return len(self._cuts)

    @property
    def dropped(self) -> int:
        """Boxes left out in the recordings that were read so far."""
        return sum(self._dropped.values())

    def batch(self, indices: Sequence[int] | np.ndarray) -> Arrays:
        """Reads ``x [N, 2, H, W, T]``, ``rows [N, T, M, 6]``, ``kind`` and ``track [N, T, M]``."""
        x = np.zeros((len(indices), 2, *self.size, self.seq_len), np.float32)
        tables = empty_tables(len(indices), self.seq_len, self.most)
        for n, index in enumerate(indices):
            path, start = self._cuts[int(index)]
            self._fill(x[n], path, start)
            boxes = self._boxes(path)
            for t in range(self.seq_len):
                objects = self._objects(boxes, start + (t + 1) * self.step_ms)
                fill(tables, (n, t), objects, path)
        return x, *tables

    def _fill(self, x: np.ndarray, path: Path, start: float) -> None:
        stop = start + self.step_ms * self.seq_len
        event = read_dat(path, start_ms=start, stop_ms=stop)
        if event.y is None:
            return
        height, width = self._camera.size
        row, column = event.y * self.size[0] // height, event.x * self.size[1] // width
        step = ((event.t - start) / self.step_ms).astype(int)
        there = (row < self.size[0]) & (column < self.size[1])
        x[1 - event.c[there], row[there], column[there], step[there]] = 1

    def _boxes(self, path: Path) -> np.ndarray:
        """All boxes of a recording ``[n, 9]``: time in ms, row, kind, track; in order of time."""
        file = path.with_name(path.name.removesuffix("_td.dat") + "_bbox.npy")
        if not file.is_file():
            raise FileNotFoundError(f"`root` lacks {file}, expected the boxes of {path.name}.")
        try:
            with open(file, "rb") as stream:
                found = read_npy(stream, file.stat().st_size, fields=True)
            time = found["t" if "t" in found.dtype.names else "ts"] / 1000
            sides = [found[name].astype(np.float64) for name in "xywh"]
            label = found["class_id"].astype(np.int64)
            track = found["track_id"] if "track_id" in found.dtype.names else np.arange(len(found))
        except PermissionError:
            raise
        except Exception as error:  # of many kinds, for headers that are none
            raise ValueError(
                f"`root` has {file}, which cannot be read ({shown(error)}), expected fields t, "
                "x, y, w, h and class_id; restore it."
            ) from None
        if len(label) and not (label.min() >= 0 and label.max() < len(self.classes)):
            raise ValueError(
                f"`root` has {file} with classes from {label.min()} to {label.max()}, expected 0 "
                f"to {len(self.classes) - 1} ({', '.join(self.classes)}); check `camera`."
            )
        x, y, width, height = sides
        camera = self._camera
        small = (np.hypot(width, height) < camera.diagonal) | (
            np.minimum(width, height) < camera.side
        )
        kind = np.where(small | (label >= camera.judged), IGNORE, OBJECT)
        scale = np.array([camera.size[1], camera.size[0]] * 2)
        edges = np.stack([x, y, x + width, y + height], axis=-1) / scale
        cut, good = cut_to_frame(edges)
        if self.strict and not good.all():
            raise ValueError(
                f"`root` has {file} with the box {(edges * scale)[np.argmin(good)].tolist()}, "
                "expected an area within the frame; mend it, or leave `strict` out to skip it."
            )
        self._dropped[path] = int((~good).sum())
        ones = np.ones(len(label))
        table = np.column_stack([time, centers(cut), ones, label, kind, track])[good]
        return table[np.argsort(table[:, 0], kind="stable")]

    def _objects(self, boxes: np.ndarray, end_ms: float) -> np.ndarray:
        """Objects of a frame ``[n, 8]``: row, kind, track."""
        known = boxes[(boxes[:, 0] <= end_ms) & (boxes[:, 0] >= _START_MS)]
        if not len(known):
            return np.zeros((0, 8))
        newest = known[known[:, 0] == known[-1, 0]]
        table = newest[:, 1:].copy()
        if end_ms - known[-1, 0] > self.max_age_ms:
            table[:, 6] = IGNORE
        return table[largest_first(table)]


def _end_ms(path: Path) -> float:
    record: Any = records(path)
    return float(record["t"][-1]) / 1000 if len(record) else 0.0
