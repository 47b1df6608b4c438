"""Average precision image by image, as lava-dl counts it, with its names.

An image's rows are the classes of its targets, so that an image without objects counts for nothing,
whatever was seen in it. `coco_ap` judges a whole data set, and false alarms everywhere.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jslayer.obd.overlap import EPS, iou

Table = list[np.ndarray]


def compute_ap(precision: Any, recall: Any) -> float:
    """Returns the area below a curve of precision over recall, by 101 points.

    The curve starts at recall 0 with precision 1, ends 0.01 behind its last recall with precision
    0, and is made to fall from left to right; the area is that of trapezoids between recalls 0,
    0.01, .. 1.

    Args:
      precision: ``[n]``.
      recall: ``[n]``, ascending.
    """
    precision, recall = np.asarray(precision, np.float64), np.asarray(recall, np.float64)
    last = recall[-1] if len(recall) else 0.0
    x = np.concatenate([[0.0], recall, [last + 0.01]])
    y = np.concatenate([[1.0], precision, [0.0]])
    falling = np.maximum.accumulate(y[::-1])[::-1]
    points = np.linspace(0, 1, 101)
    return float(np.trapezoid(np.interp(points, x, falling), points))


def average_precision(
    outputs: Sequence[Any], targets: Sequence[Any], iou_threshold: Any
) -> tuple[Table, Table, Table, Table, Table]:
    """Judges detections image by image, class by class.

    In order of confidence, a detection is matched with the free target of its class that it
    overlaps most, and is right if their IoU exceeds the threshold; then that target is used up.

    Args:
      outputs: Per image ``[n, 6]``: box, confidence, label.
      targets: Per image ``[m, 6]``: box, confidence (not read), label.
      iou_threshold: A number, or ``[K]`` of them.

    Returns:
      Five lists with an array for each image: precision and recall at the end of the curve,
      average precision and F1, each ``[classes, K]``, and the classes ``[classes]``, those of the
      image's targets in order.

    Raises:
      ValueError: There is not one list of detections for each image.
    """
    if len(outputs) != len(targets):
        raise ValueError(
            f"`outputs` has {len(outputs)} images and `targets` {len(targets)}, expected as many; "
            "give empty arrays [0, 6] where nothing was found."
        )
    thresholds = np.atleast_1d(np.asarray(iou_threshold, np.float64))
    images = [
        _judged(np.asarray(o, np.float32), np.asarray(t, np.float32), thresholds)
        for o, t in zip(outputs, targets, strict=True)
    ]
    precision, recall, area, f1, classes = ([image[k] for image in images] for k in range(5))
    return precision, recall, area, f1, classes


average_precision_metrics = average_precision


def _judged(output: np.ndarray, target: np.ndarray, thresholds: np.ndarray) -> Table:
    """The five arrays of one image."""
    output, target = output.reshape(-1, 6), target.reshape(-1, 6)
    output = output[np.argsort(-output[:, 4], kind="stable")]
    classes = np.unique(target[:, 5])
    found = np.zeros((3, len(classes), len(thresholds)))
    for row, label in enumerate(classes):
        ours, theirs = output[output[:, 5] == label], target[target[:, 5] == label]
        if not len(ours):
            continue
        overlap = iou(ours, theirs)
        for column, threshold in enumerate(thresholds):
            right = np.cumsum(_true_positives(overlap, threshold))
            p, r = right / np.arange(1, len(ours) + 1), right / len(theirs)
            found[:, row, column] = p[-1], r[-1], compute_ap(p, r)
    p, r, area = found
    return [p, r, area, 2 * p * r / (p + r + EPS), classes]


def _true_positives(overlap: np.ndarray, threshold: float) -> np.ndarray:
    """Which detections ``[n]`` are right; ``overlap`` is ``[n, m]``, best confidence first."""
    free = np.ones(overlap.shape[1], bool)
    right = np.zeros(len(overlap), bool)
    for number, row in enumerate(overlap):
        best = np.argmax(np.where(free, row, -1.0))
        if free[best] and row[best] > threshold:
            right[number], free[best] = True, False
    return right


class APstats:
    """Mean over images and classes of the average precision, at several thresholds.

    ``stats[0.5]`` is the score at that threshold, ``stats[0]`` that at the first, ``stats[:]`` the
    mean over all of them.

    Args:
      iou_threshold: A number, or several.

    Example:
      >>> stats = APstats([0.5, 0.75])
      >>> box = [[0.5, 0.5, 0.4, 0.4, 0.9, 0.0]]
      >>> stats.update([box], [box])
      >>> round(stats[0.5], 2), round(stats[:], 2)
      (1.0, 1.0)
    """

    def __init__(self, iou_threshold: Any):
        self.iou_threshold = np.atleast_1d(np.asarray(iou_threshold, np.float64))
        self.reset()

    def reset(self) -> None:
        """Forgets all images."""
        self.ap_sum = np.zeros(len(self.iou_threshold))
        self.ap_count = 0

    def update(self, predictions: Sequence[Any], targets: Sequence[Any]) -> None:
        """Adds images: per image detections ``[n, 6]`` and targets ``[m, 6]``."""
        _, _, areas, _, _ = average_precision(predictions, targets, self.iou_threshold)
        for area in areas:
            self.ap_sum = self.ap_sum + area.sum(axis=0)
            self.ap_count += len(area)

    def ap_scores(self) -> np.ndarray:
        """Returns the score at each threshold, 0 before the first object."""
        return self.ap_sum / max(self.ap_count, 1)

    def __getitem__(self, key: float | int | slice) -> float:
        """Returns a score, or the mean of several.

        Raises:
          KeyError: There is no such threshold.
        """
        scores = self.ap_scores()
        if isinstance(key, slice):
            return float(np.mean(scores[key]))
        if isinstance(key, int | np.integer):
            return float(scores[key])
        near = np.flatnonzero(np.isclose(self.iou_threshold, key, atol=1e-9))
        if not near.size:
            raise KeyError(
                f"`key` is {key}, expected one of the thresholds {self.iou_threshold.tolist()}; "
                "build the statistics with it."
            )
        return float(scores[near[0]])
