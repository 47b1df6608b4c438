"""Average precision of a data set by the field's own judge, pycocotools."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jslayer._addresses import install
from jslayer.obd.boxes import to_pixels
from jslayer.obd.padding import IGNORE, NONE

_NAMES = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR1", "AR10", "AR100", "AR_small", "AR_medium", "AR_large"),
)
"""Of the judge's twelve numbers, in its order."""


def to_coco(
    truth: Any, kind: Any, *, size: tuple[int, int], classes: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Writes objects as a COCO data set; ``json.dump`` makes a file of it.

    Args:
      truth: ``[.., M, 6]``. Objects of every frame, in fractions.
      kind: ``[.., M]``: 1 object, 0 none, -1 to be ignored, which COCO calls a crowd.
      size: Height and width of a frame, in pixels; the judge sorts objects by their area.
      classes: Names.

    Returns:
      Images (numbered from 1, in the order of the frames), annotations and categories (from 1).
    """
    truth, kind = _frames("truth", truth), _frames("kind", kind, row=())
    images = [{"id": i + 1, "width": size[1], "height": size[0]} for i in range(len(truth))]
    annotations: list[dict[str, Any]] = []
    for image, number in zip(*np.nonzero(kind != NONE), strict=True):
        entry = _entry(image, truth[image, number], size)
        crowd = int(kind[image, number] == IGNORE)
        annotations.append(entry | {"id": len(annotations) + 1, "iscrowd": crowd})
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(classes)]
    return {"images": images, "annotations": annotations, "categories": categories}


def coco_detections(rows: Any, found: Any, *, size: tuple[int, int]) -> list[dict[str, Any]]:
    """Writes detections as COCO does, to be judged with ``to_coco``'s data set.

    Args:
      rows: ``[.., D, 6]``. Box, score and label.
      found: ``[.., D]`` bool.
      size: Height and width of a frame, in pixels.
    """
    rows, found = _frames("rows", rows), _frames("found", found, row=())
    entries = []
    for image, number in zip(*np.nonzero(found), strict=True):
        row = rows[image, number]
        entries.append(_entry(image, row, size) | {"score": float(row[4])})
    return entries


def coco_ap(
    rows: Any,
    found: Any,
    truth: Any,
    kind: Any,
    *,
    size: tuple[int, int],
    classes: Sequence[str],
) -> dict[str, Any]:
    """Judges detections on a whole data set; frames without objects count too.

    Args:
      rows: ``[.., D, 6]``. Detections of every frame: box in fractions, score, label.
      found: ``[.., D]`` bool, where there is one.
      truth: ``[.., M, 6]``. Objects of the same frames.
      kind: ``[.., M]``: 1 object, 0 none, -1 to be ignored: neither missed nor a false alarm.
      size: Height and width of a frame, in pixels.
      classes: Names.

    Returns:
      ``AP`` (mean over IoU 0.5 to 0.95), ``AP50``, ``AP75``; ``AP_small``, ``AP_medium`` and
      ``AP_large`` (areas below 32^2, below 96^2 and the rest); the largest recalls ``AR1``,
      ``AR10``, ``AR100`` with so many detections of a class in a frame, and ``AR_small`` to
      ``AR_large``; ``by_class``, ``{name: {"AP": .., "AP50": .., "AP75": ..}}``. NaN where no
      object is.

    Raises:
      ImportError: pycocotools is not installed.
      ValueError: The frames of detections and objects differ in number, a label has no name, or a
        score is NaN.

    References:
      Lin et al., Microsoft COCO: Common Objects in Context, 2014.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise ImportError(f"`coco_ap` needs pycocotools: {install('detection')}.") from error
    data = to_coco(truth, kind, size=size, classes=classes)
    seen = coco_detections(rows, found, size=size)
    _check(len(_frames("rows", rows)), seen, data, classes)
    for number, entry in enumerate(seen, 1):
        entry |= {"id": number, "iscrowd": 0}
    with contextlib.redirect_stdout(io.StringIO()):
        judge = COCOeval(_index(COCO, data), _index(COCO, data | {"annotations": seen}), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    result: dict[str, Any] = {name: _mean(judge.stats[k : k + 1]) for k, name in enumerate(_NAMES)}
    precision = judge.eval["precision"][:, :, :, 0, 2]  # [IoU, recall, class], all areas, 100 best
    result["by_class"] = {
        name: {
            "AP": _mean(precision[:, :, k]),
            "AP50": _mean(precision[0, :, k]),
            "AP75": _mean(precision[5, :, k]),
        }
        for k, name in enumerate(classes)
    }
    return result


def _check(
    frames: int,
    seen: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any],
    classes: Sequence[str],
) -> None:
    if frames != len(data["images"]):
        raise ValueError(
            f"`rows` has {frames} frames and `truth` {len(data['images'])}, expected as many; "
            "judge the frames in one order."
        )
    for entry in (*data["annotations"], *seen):
        if not 1 <= entry["category_id"] <= len(classes):
            raise ValueError(
                f"`classes` has {len(classes)} names, expected one for label "
                f"{entry['category_id'] - 1} too; give the names of the data set."
            )
    if not np.isfinite([entry["score"] for entry in seen]).all():
        raise ValueError(
            "`rows` has scores that are NaN, expected numbers; look for them upstream."
        )


def _frames(name: str, value: Any, row: tuple[int, ...] = (6,)) -> np.ndarray:
    array = np.asarray(value)
    if array.ndim < 2 + len(row) or array.shape[array.ndim - len(row) :] != row:
        layout = "[.., rows, 6]" if row else "[.., rows]"
        raise ValueError(
            f"`{name}` has shape {array.shape}, expected {layout}, padded alike in every frame; "
            "see `pad_objects`."
        )
    return array.reshape(-1, array.shape[-1 - len(row)], *row)


def _entry(image: int, row: np.ndarray, size: tuple[int, int]) -> dict[str, Any]:
    x, y, width, height = to_pixels(row[:4].astype(np.float64), size).tolist()
    return {
        "image_id": int(image) + 1,
        "category_id": int(row[5]) + 1,
        "bbox": [x - width / 2, y - height / 2, width, height],
        "area": width * height,
    }


def _index(kind: Any, data: Mapping[str, Any]) -> Any:
    coco = kind()
    coco.dataset = dict(data)
    coco.createIndex()
    return coco


def _mean(values: np.ndarray) -> float:
    """Mean of the judge's numbers, which are -1 where there is no object."""
    there = values[values > -1]
    return float(there.mean()) if there.size else float("nan")
