"""Data sets in the form of YOLO: a file of text beside each picture."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jslayer.datasets.base import find_root
from jslayer.io.files import PathLike
from jslayer.io.text import shown
from jslayer.obd.dataset.sequence import Labels, PictureFiles, finite, inside, labels

_PICTURES = (".jpg", ".jpeg", ".png", ".bmp")


class YoloTxt(PictureFiles):
    """Pictures in ``images/``, with ``labels/`` of the same names in ``.txt``.

    A line is ``class x y width height [confidence]``, the center and size in fractions of the
    picture; a picture without a file is empty. See `Sequences` for what a sample is. Needs Pillow.

    Args:
      root: Folder of ``images``, ``labels`` and ``data.yaml`` or ``classes.txt``.
      split: Folder below both, such as ``"train"``; empty: all.
      classes: Names; ``None``: those of ``data.yaml`` (``names``, a list or a mapping) or the lines
        of ``classes.txt``.
      video: The pictures of a folder, in the order of their names, are a video.
      size: Height and width to which pictures are scaled.
      seq_len: Frames of a sequence.
      most: Rows of a frame.
      strict: A bad box is an error.
      dtype: ``float32`` or ``uint8``.

    Raises:
      FileNotFoundError: There is no such folder, no picture, or no list of names.
      ValueError: A file cannot be read.
    """

    def __init__(
        self,
        root: PathLike,
        split: str = "",
        *,
        classes: Sequence[str] | None = None,
        video: bool = False,
        size: tuple[int, int] = (448, 448),
        seq_len: int = 1,
        most: int = 128,
        strict: bool = False,
        dtype: Any = np.float32,
    ):
        self.root = find_root(root, "yolo", "images, labels and data.yaml")
        folder = inside(self.root / "images", split)
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES)
        if not files:
            raise FileNotFoundError(
                f"`root` is {self.root} without pictures in {folder}, expected .jpg or .png files; "
                "pass the folder above images/ and labels/."
            )
        folders: dict[Path, list[Path]] = {}
        for path in files:
            folders.setdefault(path.parent if video else path, []).append(path)
        super().__init__(
            list(folders.values()),
            classes=_names(self.root) if classes is None else classes,
            size=size,
            seq_len=seq_len,
            most=most,
            strict=strict,
            dtype=dtype,
        )

    def labels_of(self, video: int) -> Sequence[Labels]:
        """Reads the objects of every frame of a video."""
        return [self._read(path) for path in self.videos[video]]

    def _read(self, picture: Path) -> Labels:
        below = picture.relative_to(self.root / "images").with_suffix(".txt")
        path = self.root / "labels" / below
        rows: list[list[float]] = []
        lines = path.read_text("utf-8").splitlines() if path.is_file() else ()
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                label, x, y, width, height = (finite(word) for word in line.split()[:5])
            except ValueError:
                raise ValueError(
                    f"`root` has {path} with line {number} {shown(repr(line))}, expected "
                    "'class x y width height'; mend it."
                ) from None
            if not (label == int(label) and 0 <= label < len(self.classes)):
                raise ValueError(
                    f"`root` has {path} with class {label:g} in line {number}, expected 0 to "
                    f"{len(self.classes) - 1}; complete the list of names."
                )
            edges = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
            rows.append([*edges, label, 1, len(rows)])
        return labels(rows, fractions=True)


def _names(root: Path) -> list[str]:
    text = root / "classes.txt"
    if text.is_file():
        return [line.strip() for line in text.read_text("utf-8").splitlines() if line.strip()]
    path = root / "data.yaml"
    if not path.is_file():
        raise FileNotFoundError(
            f"`root` is {root} without data.yaml or classes.txt, expected the names of the "
            "classes; pass `classes`."
        )
    found = read_names(path.read_text("utf-8"))
    if not found:
        raise ValueError(
            f"`root` has {path} without a list or mapping `names`, expected one; pass `classes`."
        )
    return found


def read_names(yaml: str) -> list[str]:
    r"""Reads ``names`` of a file of YAML: ``[a, b]``, lines ``- a``, or lines ``0: a``.

    Example:
      >>> read_names("nc: 2\nnames:\n  0: car\n  1: 'a bus'  # big\n")
      ['car', 'a bus']
    """
    text = re.sub(r"(^|\s)#.*", "", yaml, flags=re.MULTILINE)
    if inline := re.search(r"^names:\s*[\[{](.*?)[\]}]", text, re.MULTILINE | re.DOTALL):
        entries = [entry for entry in inline[1].split(",") if entry.strip()]
    elif block := re.search(
        r"^names:\s*\n((?:[ \t]*-.*\n?|[ \t]+\S.*\n?|[ \t]*\n)+)", text, re.MULTILINE
    ):
        entries = [line.strip().removeprefix("-") for line in block[1].splitlines() if line.strip()]
    else:
        return []
    pairs = [re.fullmatch(r"\s*(?:(\d+)\s*:)?\s*(.*?)\s*", entry, re.DOTALL) for entry in entries]
    names = [(int(pair[1] or k), pair[2].strip("'\"")) for k, pair in enumerate(pairs) if pair]
    return [name for _, name in sorted(names)]
