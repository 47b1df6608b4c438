"""PilotNet: from recorded frames of a real drive to the angle of the steering wheel."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jslayer.io import style
from jslayer.io.files import PathLike
from jslayer.io.picture_file import read_rgb
from jslayer.io.text import shown

from .base import Dataset, find_root, positive_integer

_LIST = "data.txt"

MOST_DEGREES = 36_000
"""A hundred turns of the steering wheel."""


class PilotNet(Dataset):
    """Sequences of frames from a car's windscreen, for regression in time.

    ``ds[i] -> (x, angle)``: ``x`` is ``[3, height, width, T]`` float32 in [0, 1] (red, green and
    blue; row; column; frame), ``angle`` is ``[T]`` float32 in radians. Frames that follow one
    another stay together: the recording is cut into sequences, four fifths of which, drawn as in
    lava-dl's tutorial, are for training. Needs Pillow.

    Args:
      root: Folder with ``data.txt`` and the frames, beside it or in its folder ``data``. A line
        of the list is ``N.jpg angle``, in degrees; what follows a comma is not read. Without it,
        the folder ``driving_dataset`` in that of the environment variable ``JSLAYER_DATA``, or
        else in ``~/.cache/jslayer``. The public recording of that name, by Sully Chen, lies where
        no program can fetch it; download and unpack it by hand.
      train: Take the training sequences, otherwise those for testing.
      sequence: Frames ``T`` of a sequence.
      size: Height and width to which a frame is scaled.
      crop: Rows to use of a frame, ``(first, one after the last)`` as for a slice, negative
        numbers from the end; for example ``(-150, None)`` for the road alone. ``None``: all.
      visualize: All sequences in the order of the drive, whatever ``train`` is.
      mend_zeros: An angle of exactly 0 between two others is a gap of the recording, and is
        replaced by their mean.

    Attributes:
      files: Path of every frame of the recording.
      angles: ``[frames]`` float64, in radians.
      first: ``[len(ds)]`` number of the first frame of each sequence.

    Raises:
      FileNotFoundError: There is no such folder, list or frame.
      ImportError: Pillow is not installed (when a frame is read).
      ValueError: An argument is bad, a line of the list or a frame cannot be read, or there are too
        few frames for a sequence.

    References:
      Bojarski et al., End to End Learning for Self-Driving Cars, 2016.
    """

    def __init__(
        self,
        root: PathLike | None = None,
        train: bool = True,
        *,
        sequence: int = 16,
        size: tuple[int, int] = (33, 100),
        crop: tuple[int | None, int | None] | None = None,
        visualize: bool = False,
        mend_zeros: bool = True,
    ):
        found = find_root(root, "driving_dataset", f"{_LIST} and the frames it names")
        self.sequence = positive_integer("sequence", sequence)
        self.size = positive_integer("size", size[0]), positive_integer("size", size[1])
        self.crop = crop
        self.files, degrees = _read_list(found)
        count = len(self.files) // self.sequence
        if not count:
            raise ValueError(
                f"`sequence` is {sequence} for {len(self.files)} frames in {found}, expected at "
                f"most {len(self.files)}; choose a shorter one."
            )
        self.angles = np.radians(_mended(degrees) if mend_zeros else degrees)
        self.first = self.sequence * _part(count, len(self.files) / self.sequence, train, visualize)
        if not self.first.size:
            raise ValueError(
                f"`root` is {found} with {count} sequences, expected at least 5 to split them; "
                "choose shorter ones, or `visualize`."
            )

    def __len__(self) -> int:
        return len(self.first)

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reads frames ``[N, 3, height, width, T]`` and the angles ``[N, T]``."""
        numbers = self.first[np.asarray(indices, np.intp)][:, None] + np.arange(self.sequence)
        x = np.empty((len(numbers), 3, *self.size, self.sequence), np.float32)
        for sample, row in zip(x, numbers, strict=True):
            for step, number in enumerate(row):
                sample[..., step] = self._frame(self.files[number])
        return x, self.angles[numbers].astype(np.float32)

    def _frame(self, path: Path) -> np.ndarray:
        picture = read_rgb(path)
        if self.crop is not None:
            top, bottom, _ = slice(*self.crop).indices(picture.height)
            if top >= bottom:
                raise ValueError(
                    f"`crop` is {self.crop}, which leaves nothing of {picture.height} rows, "
                    "expected some; widen it."
                )
            picture = picture.crop((0, top, picture.width, bottom))
        height, width = self.size
        picture = picture.resize((width, height), style.pillow_image().Resampling.BILINEAR)
        return np.moveaxis(np.asarray(picture, np.float32) / 255, -1, 0)


def _read_list(root: Path) -> tuple[list[Path], np.ndarray]:
    path = root / _LIST
    if not path.is_file():
        raise FileNotFoundError(
            f"`root` is {root}, which holds no {_LIST}, expected that list and the frames it "
            "names; pass the folder of the recording."
        )
    folder = root / "data" if (root / "data").is_dir() else root
    files, degrees = [], []
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"`root` has {path}, which is no text ({shown(error)}), expected lines of 'N.jpg "
            "angle'; restore it."
        ) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = re.fullmatch(r"\s*([^\s/\\]{1,255})\s+([-+0-9.eE]{1,40})\s*(,.*)?", line)
        name, angle = (match[1], _number(match[2])) if match else ("", math.nan)
        if not abs(angle) <= MOST_DEGREES:
            raise ValueError(
                f"`root` has {path} with line {number} {shown(repr(line))}, expected 'N.jpg "
                f"angle', an angle of at most {MOST_DEGREES} degrees; mend it."
            )
        files.append(folder / name)
        degrees.append(angle)
    return files, np.array(degrees)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _mended(degrees: np.ndarray) -> np.ndarray:
    mended = degrees.copy()
    inner = np.flatnonzero(np.abs(degrees[1:-1]) < 1e-5) + 1
    mended[inner] = (degrees[inner - 1] + degrees[inner + 1]) / 2
    return mended


def _part(count: int, share: float, train: bool, visualize: bool) -> np.ndarray:
    if visualize:
        return np.arange(count)
    # The generator and seed of lava-dl's tutorial, so that both learn from the same sequences.
    order = np.random.RandomState(42).permutation(count)
    return order[: int(0.8 * share)] if train else order[count - int(0.2 * share) :]
