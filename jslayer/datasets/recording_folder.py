"""A folder of anybody's recordings as a data set: the folder that a file lies in is its label."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from jslayer.io import Event, read
from jslayer.io.files import PathLike
from jslayer.io.random import Seed
from jslayer.io.read import SUFFIXES
from jslayer.ops import check

from .base import probability
from .recordings import Recordings

MOST_NUMBERS = 2**28
"""Numbers of a sample whose shape was measured; what is larger was hardly meant."""


class RecordingFolder(Recordings):
    """Recordings ``root/<label>/<any name>``, of every format that `jslayer.io.read` knows.

    ``ds[i] -> (x, label)``: ``x`` is ``[2, height, width, T]`` (``[C, X, T]`` for ids without
    rows), ``1 / sampling_time`` in each bin with an event; ``label`` is the number of the folder,
    int32. Samples are sorted by label and then by the name of the file.

    Args:
      root: Folder with a folder for each class. Other files in those are passed over.
      train: ``None``: all recordings. ``True`` or ``False``: the part to learn from, or the rest,
        split within each class.
      share: Fraction to learn from.
      seed: Fixes the split.
      dim: Shape without time, ``(C, H, W)`` or ``(C, X)``. ``None``: measured, as is
        ``num_steps``, over **all** recordings, which reads each of them once.
      num_steps: Bins ``T``; later events are left out.
      sampling_time: Length of a bin, in milliseconds.
      dtype: Type of ``x``; ``bool`` takes a quarter of the memory, for a sampling time of 1.

    Attributes:
      classes: Names of the folders; in the order of numbers where all are numbers.
      files: Path of every sample.
      labels: ``[len(ds)]`` int32.

    Raises:
      FileNotFoundError: There is no such folder, or no recording in it.
      ImportError: A package that decodes a format is not installed.
      ValueError: An argument is bad, a file is damaged, or samples would be very large.

    Example:
      ``train, test = (RecordingFolder("gestures", train=t) for t in (True, False))``
    """

    def __init__(
        self,
        root: PathLike,
        *,
        train: bool | None = None,
        share: float = 0.8,
        seed: Seed = 0,
        dim: Sequence[int] | None = None,
        num_steps: int | None = None,
        sampling_time: float = 1.0,
        dtype: DTypeLike = np.float32,
    ):
        check.positive("sampling_time", sampling_time)
        folder, by_class = Path(root), _files(Path(root))
        if not any(by_class.values()):
            raise FileNotFoundError(
                f"`root` is {folder}, which holds no recording, expected <label>/<name> with one "
                f"of the endings {', '.join(SUFFIXES)}; pass the folder above those of the labels."
            )
        if dim is None or num_steps is None:
            everything = [path for files in by_class.values() for path in files]
            extent, steps = _measured(folder, everything, sampling_time)
            dim = extent if dim is None else dim
            num_steps = steps if num_steps is None else num_steps
            if math.prod(dim) * num_steps > MOST_NUMBERS:
                raise ValueError(
                    f"`root` is {folder}, whose recordings reach over {tuple(dim)} places and "
                    f"{num_steps} bins, expected at most {MOST_NUMBERS} numbers in a sample; pass "
                    "`dim`, `num_steps` or a longer `sampling_time`."
                )
        super().__init__(dim, num_steps, sampling_time, dtype)
        self.classes = list(by_class)
        if train is not None:
            by_class = _split(by_class, bool(train), probability("share", share), seed)
        self.files = [path for files in by_class.values() for path in files]
        labels = [number for number, files in enumerate(by_class.values()) for _ in files]
        self.labels = np.array(labels, np.int32)

    def __len__(self) -> int:
        return len(self.files)

    def recording(self, index: int) -> tuple[Event, np.int32]:
        """Returns the events and the label of a sample, numbered from 0."""
        event = read(self.files[index])
        _require_kind(self.files[index], event, len(self.dim) - 1)
        return event, self.labels[index]


def _files(root: Path) -> dict[str, list[Path]]:
    """The recordings of each class, by its name."""
    if not root.is_dir():
        raise FileNotFoundError(
            f"`root` is {root}, which is no folder, expected one with a folder for each class; "
            "check the name."
        )
    names = sorted(path.name for path in root.iterdir() if path.is_dir() and path.name[0] != ".")
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    return {
        name: sorted(p for p in (root / name).iterdir() if p.suffix.lower() in SUFFIXES)
        for name in names
    }


def _measured(root: Path, files: list[Path], sampling_time: float) -> tuple[tuple[int, ...], int]:
    """Shape and bins that hold every event."""
    channels, height, width, steps, axes = 1, 1, 1, 1, 0
    for path in files:
        event = read(path)
        axes = axes or event.num_dims
        _require_kind(path, event, axes)
        if not len(event):
            continue
        for name, value in (("x", event.x), ("y", event.y), ("c", event.c)):
            if value is not None and value.min() < 0:
                raise ValueError(
                    f"`root` is {root} with {path}, whose `{name}` runs from {value.min()}, "
                    "expected 0 or more; mend it, or pass `dim` and `num_steps`."
                )
        channels = max(channels, int(event.c.max()) + 1)
        width = max(width, int(event.x.max()) + 1)
        height = max(height, 1 if event.y is None else int(event.y.max()) + 1)
        steps = max(steps, int(min(np.round(event.t.max() / sampling_time), 2.0**62)) + 1)
    # a camera has both polarities, though none of the recordings may show one of them
    return ((max(channels, 2), height, width) if axes == 2 else (channels, width)), steps


def _require_kind(path: Path, event: Event, axes: int) -> None:
    if event.num_dims != axes:
        raise ValueError(
            f"`root` has {path} of {event.num_dims}-d events, expected {axes}-d ones as the others "
            "have; put recordings of one kind into it."
        )


def _split(
    by_class: dict[str, list[Path]], train: bool, share: float, seed: Seed
) -> dict[str, list[Path]]:
    """A part of each class, drawn once for both parts."""
    draw = np.random.default_rng(seed)
    parts = {}
    for name, files in by_class.items():
        order = draw.permutation(len(files))
        count = round(share * len(files))
        chosen = order[:count] if train else order[count:]
        parts[name] = [files[number] for number in sorted(chosen)]
    return parts
