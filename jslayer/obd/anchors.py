"""Anchors: the sizes from which a detector starts, given or fitted to a data set."""

from typing import Any

import numpy as np

from jslayer.obd.overlap import wh_iou
from jslayer.ops import check

ANCHORS = (
    ((0.28, 0.22), (0.38, 0.48), (0.90, 0.78)),
    ((0.07, 0.15), (0.15, 0.11), (0.14, 0.29)),
    ((0.02, 0.03), (0.04, 0.07), (0.08, 0.06)),
)
"""lava-dl's, by scale, the coarsest first: width and height."""


def fit_anchors(sizes: Any, scales: int, per_scale: int, *, seed: int = 0) -> np.ndarray:
    """Finds the sizes that are most like those of a data set's boxes.

    Clusters by k-means, where two sizes are as far apart as 1 minus their IoU and the middle of a
    cluster is its median, from five starts, of which the best counts.

    Args:
      sizes: ``[n, 2]``. Width and height of boxes, in any unit.
      scales: Scales of the detector.
      per_scale: Anchors of each.
      seed: Fixes the starts.

    Returns:
      ``[scales, per_scale, 2]`` float32; the largest areas belong to the first scale, the coarsest.

    Raises:
      ValueError: There are fewer sizes than anchors, or one is not above 0.

    Example:
      >>> fit_anchors([[0.5, 0.5], [0.5, 0.5], [2.0, 1.0], [2.0, 1.0]], 2, 1).tolist()
      [[[2.0, 1.0]], [[0.5, 0.5]]]
    """
    check.whole("scales", scales)
    check.whole("per_scale", per_scale)
    sizes = np.asarray(sizes, np.float64).reshape(-1, 2)
    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        raise ValueError(
            "`sizes` holds sides that are NaN or not above 0, expected widths and heights; leave "
            "such boxes out."
        )
    count = scales * per_scale
    different = np.unique(sizes, axis=0)
    if len(different) < count:
        raise ValueError(
            f"`sizes` has {len(different)} different sizes, expected at least {count}, one for "
            "each anchor; give more boxes or ask for fewer anchors."
        )
    rng = np.random.default_rng(seed)
    starts = [_clustered(sizes, different, count, rng) for _ in range(5)]
    best = max(starts, key=lambda start: start[0])[1]
    order = np.argsort(-best.prod(-1), kind="stable")
    return best[order].reshape(scales, per_scale, 2).astype(np.float32)


def _clustered(
    sizes: np.ndarray, different: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    centers = different[rng.choice(len(different), count, replace=False)]
    for _ in range(100):
        nearest = wh_iou(sizes, centers).argmax(-1)
        moved = centers.copy()
        for k in np.unique(nearest):
            moved[k] = np.median(sizes[nearest == k], 0)
        if (moved == centers).all():
            break
        centers = moved
    return float(wh_iou(sizes, centers).max(-1).mean()), centers
