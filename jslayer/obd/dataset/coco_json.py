"""Data sets in the form of COCO: one file of JSON, and pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jslayer.datasets.base import find_root
from jslayer.io.files import PathLike
from jslayer.obd.dataset.json_file import read_json
from jslayer.obd.dataset.sequence import Labels, PictureFiles, flagged, inside, labels


class CocoJson(PictureFiles):
    """Pictures, or videos where the images name theirs, with boxes in a file of JSON.

    See `Sequences` for what a sample is. Needs Pillow. Crowds are to be ignored. Labels are the
    categories in the order of their ids, which may have gaps.

    Args:
      root: Folder of both.
      annotations: The file, below ``root``.
      images: Folder of the pictures, below ``root``.
      size: Height and width to which pictures are scaled.
      seq_len: Frames of a sequence.
      most: Rows of a frame.
      strict: A bad box is an error.
      dtype: ``float32`` or ``uint8``.

    Raises:
      FileNotFoundError: There is no such folder or file.
      ValueError: The file is broken, or names files elsewhere.
    """

    def __init__(
        self,
        root: PathLike,
        annotations: str = "annotations.json",
        images: str = "images",
        *,
        size: tuple[int, int] = (448, 448),
        seq_len: int = 1,
        most: int = 128,
        strict: bool = False,
        dtype: Any = np.float32,
    ):
        found = find_root(root, "coco", f"{annotations} and {images}")
        path = inside(found, annotations)
        content = read_json(path, dict, "images, annotations and categories")
        if lacking := [n for n in ("images", "annotations", "categories") if n not in content]:
            raise ValueError(
                f"`root` has {path} without {', '.join(lacking)}, expected images, annotations and "
                "categories; restore it."
            )
        categories = sorted(content["categories"], key=lambda entry: entry["id"])
        number = {entry["id"]: k for k, entry in enumerate(categories)}
        boxes: dict[Any, list[list[float]]] = {entry["id"]: [] for entry in content["images"]}
        for entry in content["annotations"]:
            if entry["image_id"] not in boxes or entry["category_id"] not in number:
                raise ValueError(
                    f"`root` has {path} with annotation {entry.get('id')} of image "
                    f"{entry['image_id']} and category {entry['category_id']}, expected ones that "
                    "it lists; mend it."
                )
            x, y, width, height = (float(value) for value in entry["bbox"])
            label, kind = number[entry["category_id"]], flagged(entry.get("iscrowd"))
            track = entry.get("track_id", entry.get("instance_id", len(boxes[entry["image_id"]])))
            row = [x, y, x + width, y + height, label, kind, int(track)]
            boxes[entry["image_id"]].append(row)
        videos: dict[Any, list[dict[str, Any]]] = {}
        for entry in content["images"]:
            key = ("video", entry["video_id"]) if "video_id" in entry else ("image", entry["id"])
            videos.setdefault(key, []).append(entry)
        ordered = [sorted(v, key=lambda entry: entry.get("frame_id", 0)) for v in videos.values()]
        folder = inside(found, images)
        super().__init__(
            [[inside(folder, entry["file_name"]) for entry in video] for video in ordered],
            classes=[entry["name"] for entry in categories],
            size=size,
            seq_len=seq_len,
            most=most,
            strict=strict,
            dtype=dtype,
        )
        self._boxes = [[boxes[entry["id"]] for entry in video] for video in ordered]

    def labels_of(self, video: int) -> Sequence[Labels]:
        """Reads the objects of every frame of a video."""
        return [labels(rows) for rows in self._boxes[video]]
