"""Data sets and networks of the command ``detect``, by name."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jslayer import obd
from jslayer.datasets.base import Arrays, Dataset
from jslayer.datasets.order import stack
from jslayer.obd import dataset as sets

FRAMES, CLIPS, TESTED = 12_000, 1_800, 60
"""Of the drawn streets: single frames and clips to learn from, clips to judge by."""


KEPT = 2**30
"""Bytes of samples that are kept for the next time."""


class Kept(Dataset):
    """Videos and objects of a data set, which are slow to draw, kept while there is room.

    Args:
      dataset: Its first three parts are kept: frames, rows, kind.
    """

    def __init__(self, dataset: Dataset):
        self.dataset = dataset
        self._room, self._kept = KEPT, dict[int, Arrays]()

    def __len__(self) -> int:
        return len(self.dataset)

    def batch(self, indices: Sequence[int] | np.ndarray) -> Arrays:
        """Stacks samples, drawn or kept."""
        return stack([self._sample(int(index)) for index in indices])

    def _sample(self, index: int) -> Arrays:
        if index in self._kept:
            return self._kept[index]
        found = self.dataset[index][:3]
        size = sum(part.nbytes for part in found)
        if size < self._room:
            self._room -= size
            self._kept[index] = found
        return found


def data_set(
    options: argparse.Namespace, split: str, steps: int, *, count: int, seed: Any, events: bool
) -> Dataset:
    """The data set of ``--data``.

    Args:
      options: The command's.
      split: ``train``, ``validation`` or ``test``.
      steps: Frames of a video.
      count: Videos, of data that are drawn.
      seed: Of data that are drawn.
      events: The network takes events.
    """
    if options.data == "street":
        more = {"split": split, "num_steps": steps, "seed": seed, "events": events}
        return obd.SyntheticStreet(count, size=options.size, dtype=np.uint8, **more)
    if options.root is None:
        raise ValueError(f"`--root` is missing, expected the folder of {options.data}; pass it.")
    return ROOTED[options.data](options.root, split == "train", options.size, steps)


def _coco(root: Path, train: bool, size: tuple[int, int], steps: int) -> Dataset:
    folder = Path(root) / ("train" if train else "val")
    return sets.CocoJson(folder, size=size, seq_len=steps, dtype=np.uint8)


def _yolo(root: Path, train: bool, size: tuple[int, int], steps: int) -> Dataset:
    split = "train" if train else "val"
    options = {"size": size, "seq_len": steps, "dtype": np.uint8}
    return sets.YoloTxt(root, split, video=steps > 1, **options)


def _voc(root: Path, train: bool, size: tuple[int, int], steps: int) -> Dataset:
    split = "train" if train else "val"
    return sets.VOC(root, split, size=size, seq_len=steps, dtype=np.uint8)


def _bdd100k(root: Path, train: bool, size: tuple[int, int], steps: int) -> Dataset:
    return sets.BDD100K(root, train=train, size=size, seq_len=steps, dtype=np.uint8)


def _prophesee(root: Path, train: bool, size: tuple[int, int], steps: int) -> Dataset:
    return sets.Prophesee(Path(root) / ("train" if train else "val"), size=size, seq_len=steps)


ROOTED: dict[str, Callable[..., Dataset]] = {
    "bdd100k": _bdd100k,
    "coco": _coco,
    "prophesee": _prophesee,
    "voc": _voc,
    "yolo": _yolo,
}
"""Data sets that lie in ``--root``; coco, yolo and prophesee in its folders train and val."""

MODELS = ("street_yolo", "yolo_kp", "yolo_kp_events", "tiny_yolov3_str")


def model(options: argparse.Namespace, classes: tuple[str, ...], *, learn: bool) -> obd.Detector:
    """The network of ``--model``; ``learn``: with thresholds learned from ``--threshold`` on."""
    threshold = options.threshold if learn else min(options.threshold, 0.1)
    if options.model == "street_yolo":
        return obd.models.street_yolo(classes, threshold=threshold, learn_threshold=learn)
    made = getattr(obd.models, options.model)
    given = {"threshold": threshold, "scale_grad": 0.2, "width": options.width}
    return made(len(classes), classes=classes, **given)


def takes_events(name: str) -> bool:
    """True for networks that read events."""
    return name.endswith("_events")
