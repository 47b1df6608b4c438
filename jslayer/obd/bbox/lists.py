"""Lava-dl's functions of lists with an array for each image; new lists come back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jslayer.obd import boxes
from jslayer.obd.padding import number_of_rows
from jslayer.obd.suppress import nms as nms_of_frame


def non_maximum_suppression(
    predictions: Sequence[Any],
    conf_threshold: float = 0.5,
    nms_threshold: float = 0.4,
    merge_conf: bool = True,
    max_detections: int = 300,
    max_iterations: int = 100,
) -> list[np.ndarray]:
    """Keeps the best boxes of each image, class by class; see `jslayer.obd.nms`.

    Args:
      predictions: Per image ``[n, 5 + C]``: box, objectness, scores of the classes.
      conf_threshold: Least objectness, exclusive.
      nms_threshold: Largest IoU of two boxes that both stay.
      merge_conf: The score is objectness times that of the best class, otherwise objectness.
      max_detections: Most boxes of an image.
      max_iterations: Kept for lava-dl's callers; one pass is enough.

    Returns:
      Per image ``[k, 6]``: box, score, label, best first.
    """
    del max_iterations
    kept = []
    for prediction in predictions:
        rows = np.asarray(prediction, np.float32)
        rows = rows[rows[:, 4] > conf_threshold]
        count = number_of_rows([len(rows)], least=256)
        filled = np.zeros((count, rows.shape[1]), np.float32)
        filled[:, 4] = -np.inf  # what fills up is no candidate
        filled[: len(rows)] = rows
        table, found = nms_of_frame(
            filled,
            conf_threshold=conf_threshold,
            nms_threshold=nms_threshold,
            merge_conf=merge_conf,
            max_candidates=count,
            max_detections=count,
        )
        kept.append(np.asarray(table)[np.asarray(found)][:max_detections])
    return kept


nms = non_maximum_suppression


def onehot_to_labels(
    predictions: Sequence[Any], conf_threshold: float = 0.0, merge_conf: bool = True
) -> list[np.ndarray]:
    """Replaces scores of classes by the best class.

    Args:
      predictions: Per image ``[n, 5 + C]``: box, objectness, scores of the classes.
      conf_threshold: Rows stay whose objectness exceeds it.
      merge_conf: The score is objectness times that of the best class, otherwise objectness.

    Returns:
      Per image ``[k, 6]``: box, score, label.
    """
    converted = []
    for prediction in predictions:
        rows = np.asarray(prediction)
        rows = rows[rows[:, 4] > conf_threshold]
        score = rows[:, 4] * rows[:, 5:].max(-1) if merge_conf else rows[:, 4]
        label = rows[:, 5:].argmax(-1).astype(rows.dtype)
        converted.append(np.column_stack([rows[:, :4], score, label]))
    return converted


def xxyy_to_xywh(bboxes: Sequence[Any]) -> list[Any]:
    """Turns corners ``[n, >= 4]`` into centers, image by image."""
    return [boxes.centers(rows) for rows in bboxes]


def xywh_to_xxyy(bboxes: Sequence[Any]) -> list[Any]:
    """Turns centers ``[n, >= 4]`` into corners, image by image."""
    return [boxes.corners(rows) for rows in bboxes]


def normalize_bboxes(bboxes: Sequence[Any], height: int, width: int) -> list[Any]:
    """Turns pixels ``[n, >= 4]`` into fractions of the frame, image by image."""
    return [boxes.to_fractions(rows, (height, width)) for rows in bboxes]


def denormalize_bboxes(bboxes: Sequence[Any], height: int, width: int) -> list[Any]:
    """Turns fractions of the frame ``[n, >= 4]`` into pixels, image by image."""
    return [boxes.to_pixels(rows, (height, width)) for rows in bboxes]
