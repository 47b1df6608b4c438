"""Data sets in the form of Pascal VOC: a file of XML for each picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np

from jslayer.datasets.base import find_root
from jslayer.io.files import PathLike
from jslayer.obd.dataset.sequence import (
    Labels,
    PictureFiles,
    class_number,
    finite,
    flagged,
    inside,
    labels,
)

_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)


class VOC(PictureFiles):
    """Pictures in ``JPEGImages/``, with a file in ``Annotations/`` for each.

    See `Sequences` for what a sample is. Needs Pillow. Difficult objects are to be ignored.

    Args:
      root: Folder of both, and of ``ImageSets/Main``.
      image_set: List of names to use, ``ImageSets/Main/NAME.txt``; ``None``: all annotations.
      classes: Names.
      size: Height and width to which pictures are scaled.
      seq_len: Frames of a sequence.
      most: Rows of a frame.
      strict: A bad box is an error.
      dtype: ``float32`` or ``uint8``.

    Raises:
      FileNotFoundError: There is no such folder or list, or no annotation.
      ValueError: An annotation is broken.
    """

    def __init__(
        self,
        root: PathLike,
        image_set: str | None = None,
        *,
        classes: Sequence[str] = _CLASSES,
        size: tuple[int, int] = (448, 448),
        seq_len: int = 1,
        most: int = 128,
        strict: bool = False,
        dtype: Any = np.float32,
    ):
        found = find_root(root, "voc", "Annotations and JPEGImages")
        if image_set is None:
            names = sorted(path.stem for path in (found / "Annotations").glob("*.xml"))
        else:
            path = inside(found, f"ImageSets/Main/{image_set}.txt")
            if not path.is_file():
                raise FileNotFoundError(
                    f"`image_set` is {image_set!r}, but there is no {path}, expected that list; "
                    "choose one that exists."
                )
            names = [
                line.split()[0] for line in path.read_text("utf-8").splitlines() if line.split()
            ]
        if not names:
            raise FileNotFoundError(
                f"`root` is {found} without annotations, expected Annotations/*.xml; pass the "
                "folder above."
            )
        self._files = [inside(found / "Annotations", f"{name}.xml") for name in names]
        super().__init__(
            [[inside(found / "JPEGImages", f"{name}.jpg")] for name in names],
            classes=classes,
            size=size,
            seq_len=seq_len,
            most=most,
            strict=strict,
            dtype=dtype,
        )

    def labels_of(self, video: int) -> Sequence[Labels]:
        """Reads the objects of every frame of a video."""
        path = self._files[video]
        rows: list[list[float]] = []
        for entry in _parsed(path).iter("object"):
            try:
                # Pixels are counted from 1, and the last one belongs to the box.
                edges = [
                    finite(entry.findtext(f"bndbox/{name}", "missing")) - first
                    for name, first in (("xmin", 1), ("ymin", 1), ("xmax", 0), ("ymax", 0))
                ]
            except ValueError:
                raise ValueError(
                    f"`root` has {path} with an object without a whole bndbox, expected xmin, "
                    "ymin, xmax and ymax; mend it."
                ) from None
            label = class_number(self.classes, entry.findtext("name", "").strip(), path)
            difficult = entry.findtext("difficult", "0").strip() not in ("", "0")
            rows.append([*edges, label, flagged(difficult), len(rows)])
        return [labels(rows)]


def _parsed(path: Path) -> ElementTree.Element:
    if not path.is_file():
        raise FileNotFoundError(f"`root` lacks {path}, expected an annotation; restore that file.")
    data = path.read_bytes()

    def refuse(*_: Any) -> None:
        raise ValueError(
            f"`root` has {path} with a document type, expected an annotation without one, as it "
            "may define entities that grow without end; remove it."
        )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(f"`root` has {path}, which is no XML ({error}); restore it.") from None
    return ElementTree.fromstring(data)
