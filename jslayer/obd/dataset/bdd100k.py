"""BDD100K MOT 2020: videos of driving, with boxes that keep their number from frame to frame."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jslayer.datasets.base import find_root
from jslayer.io.files import PathLike
from jslayer.obd.dataset.json_file import read_json
from jslayer.obd.dataset.sequence import Labels, PictureFiles, class_number, flagged, labels

_CLASSES = (
    *("bicycle", "bus", "car", "motorcycle", "other person", "other vehicle"),
    *("pedestrian", "rider", "trailer", "train", "truck"),
)
_LABELS = ("labels/box_track_20", "labels-20/box-track")


class BDD100K(PictureFiles):
    """Videos of driving, five frames a second, with the boxes of eleven classes.

    See `Sequences` for what a sample is. Needs Pillow. Objects marked as a crowd are to be ignored.

    Args:
      root: Folder with ``images/track/train/VIDEO/VIDEO-0000001.jpg`` and
        ``labels/box_track_20/train/VIDEO.json`` (or ``labels-20/box-track``), likewise ``val``.
        Without it, the folder ``bdd100k`` in that of the environment variable ``JSLAYER_DATA``, or
        else in ``~/.cache/jslayer``.
      train: Take the training videos, otherwise those for validation.
      size: Height and width to which frames are scaled; they are 720 x 1280.
      seq_len: Frames of a sequence.
      most: Rows of a frame.
      strict: A bad box is an error.
      dtype: ``float32`` or ``uint8``.

    Raises:
      FileNotFoundError: There is no such folder, or no video in it.

    References:
      Yu et al., BDD100K: A Diverse Driving Dataset for Heterogeneous Multitask Learning, 2020.
    """

    def __init__(
        self,
        root: PathLike | None = None,
        *,
        train: bool = True,
        size: tuple[int, int] = (448, 448),
        seq_len: int = 32,
        most: int = 64,
        strict: bool = False,
        dtype: Any = np.float32,
    ):
        found = find_root(root, "bdd100k", "images/track and labels/box_track_20")
        split = "train" if train else "val"
        folder = found / "images" / "track" / split
        folders = sorted(path for path in folder.glob("*") if path.is_dir())
        videos = [sorted(path.glob("*.jpg")) for path in folders]
        if not any(videos):
            raise FileNotFoundError(
                f"`root` is {found} without videos in {folder}, expected folders of frames; unpack "
                "the archive of images there."
            )
        super().__init__(
            [files for files in videos if files],
            classes=_CLASSES,
            size=size,
            seq_len=seq_len,
            most=most,
            strict=strict,
            dtype=dtype,
        )
        self._labels = [found / name / split for name in _LABELS]

    def labels_of(self, video: int) -> Sequence[Labels]:
        """Reads the objects of every frame of a video."""
        files = self.videos[video]
        name = f"{files[0].parent.name}.json"
        paths = [folder / name for folder in self._labels]
        path = next((path for path in paths if path.is_file()), paths[0])
        tracks: dict[str, int] = {}
        by_frame = {
            str(entry.get("name")): _labels(entry, path, tracks)
            for entry in read_json(path, list, "a list of the video's frames")
        }
        return [by_frame.get(file.name, labels()) for file in files]


def _labels(frame: dict[str, Any], path: Path, tracks: dict[str, int]) -> Labels:
    entries = []
    for entry in frame.get("labels") or ():  # may be missing or null
        box = entry.get("box2d")
        if box is None:
            continue
        try:
            edges = [float(box[name]) for name in ("x1", "y1", "x2", "y2")]
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"`root` has {path} with the box {box!r}, expected x1, y1, x2 and y2; restore it."
            ) from None
        label = class_number(_CLASSES, entry["category"], path)
        crowd = (entry.get("attributes") or {}).get("crowd", False)
        track = tracks.setdefault(str(entry.get("id")), len(tracks))
        entries.append([*edges, label, flagged(crowd), track])
    return labels(entries)
