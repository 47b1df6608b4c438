"""Annotations as dicts, lava-dl's form, and the rows of arrays that they stand for.

``{"annotation": {"size": {"height": h, "width": w}, "object": [{"id": 1, "name": "car", "bndbox":
{"xmin": .., "ymin": .., "xmax": .., "ymax": ..}, "confidence": ..}]}}`` in pixels; the confidence
may be missing. Every function returns a new annotation and leaves its argument as it was.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Annotation = Mapping[str, Any]


def tensor_from_annotation(
    ann: Annotation, num_objects: int | None = None, normalized: bool = True
) -> np.ndarray:
    """Lists the objects of an annotation, the largest first; of equal areas, the later first.

    Args:
      ann: An annotation. Objects without an area are left out.
      num_objects: Most rows; ``None``: all.
      normalized: In fractions of the frame, otherwise in pixels.

    Returns:
      ``[n, 6]`` float32: x, y, width, height, confidence (1 where there is none), id.

    Raises:
      ValueError: The annotation lacks something.
    """
    content = _content("ann", ann)
    height, width = (float(content["size"][side]) for side in ("height", "width"))
    rows = []
    for entry in content["object"]:
        left, top, right, bottom = _edges(entry)
        row = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
        if row[2] > 0 and row[3] > 0:
            rows.append([*row, float(entry.get("confidence", 1.0)), float(entry["id"])])
    if not rows:
        return np.zeros((0, 6), np.float32)
    array = np.array(rows, np.float64)
    if normalized:
        array[:, :4] /= [width, height, width, height]
    table = array.astype(np.float32)
    order = np.argsort(table[:, 2] * table[:, 3], kind="stable")[::-1]
    return table[order][:num_objects]


def annotation_from_tensor(
    tensor: Any,
    frame_size: Mapping[str, int],
    object_names: Sequence[str],
    confidence_th: float = 0.01,
    normalized: bool = True,
) -> dict[str, Any]:
    """Makes an annotation of rows, the inverse of ``tensor_from_annotation``.

    Args:
      tensor: ``[n, 6]``: x, y, width, height, confidence, id.
      frame_size: ``{"height": .., "width": ..}`` of the frame, in pixels.
      object_names: Name of every id.
      confidence_th: Rows with a confidence below it are left out.
      normalized: ``tensor`` is in fractions of the frame, otherwise in pixels.
    """
    rows = np.asarray(tensor, np.float32).reshape(-1, 6)
    height, width = (float(frame_size[side]) for side in ("height", "width"))
    objects = []
    for row in rows[rows[:, 4] >= confidence_th].tolist():
        x, y, across, down, confidence, label = row
        if normalized:
            x, across, y, down = x * width, across * width, y * height, down * height
        box = {"xmin": x - across / 2, "ymin": y - down / 2}
        box |= {"xmax": x + across / 2, "ymax": y + down / 2}
        entry = {"id": int(label), "name": object_names[int(label)], "confidence": confidence}
        objects.append(entry | {"bndbox": box})
    return {"annotation": {"size": dict(frame_size), "object": objects}}


def resize_bounding_boxes(annotation: Annotation, size: tuple[int, int]) -> dict[str, Any]:
    """Moves an annotation to a frame of another size; coordinates are cut to whole pixels first.

    Args:
      annotation: An annotation.
      size: New height and width.
    """
    old = _content("annotation", annotation)["size"]
    down, across = size[0] / float(old["height"]), size[1] / float(old["width"])

    def change(box: dict[str, float]) -> None:
        for side in ("min", "max"):
            box[f"x{side}"] = int(box[f"x{side}"]) * across
            box[f"y{side}"] = int(box[f"y{side}"]) * down

    new = _changed(annotation, change)
    new["annotation"]["size"] = {**old, "height": size[0], "width": size[1]}
    return new


def fliplr_bounding_boxes(annotation: Annotation) -> dict[str, Any]:
    """Swaps left and right; columns are cut to whole pixels first."""
    return _mirrored(annotation, "x", "width")


def flipud_bounding_boxes(annotation: Annotation) -> dict[str, Any]:
    """Swaps top and bottom; rows are cut to whole pixels first."""
    return _mirrored(annotation, "y", "height")


def merge_annotations(ann1: Annotation, ann2: Annotation) -> dict[str, Any]:
    """Puts the objects of two annotations of one frame together.

    Raises:
      ValueError: They belong to frames of different sizes.
    """
    first, second = _content("ann1", ann1), _content("ann2", ann2)
    sizes = [{side: int(c["size"][side]) for side in ("height", "width")} for c in (first, second)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"`ann2` is for a frame of {sizes[1]}, expected {sizes[0]} as `ann1`; resize it first."
        )
    merged = copy.deepcopy(dict(ann1))
    merged["annotation"]["object"] = copy.deepcopy([*first["object"], *second["object"]])
    return merged


def _mirrored(annotation: Annotation, axis: str, side: str) -> dict[str, Any]:
    length = _content("annotation", annotation)["size"][side]

    def change(box: dict[str, float]) -> None:
        low, high = int(box[f"{axis}min"]), int(box[f"{axis}max"])
        box[f"{axis}min"], box[f"{axis}max"] = length - high, length - low

    return _changed(annotation, change)


def _changed(annotation: Annotation, change: Callable[[dict[str, float]], None]) -> dict[str, Any]:
    new = copy.deepcopy(dict(annotation))
    for entry in new["annotation"]["object"]:
        change(entry["bndbox"])
    return new


def _edges(entry: Mapping[str, Any]) -> list[float]:
    return [float(entry["bndbox"][edge]) for edge in ("xmin", "ymin", "xmax", "ymax")]


def _content(name: str, annotation: Annotation) -> Mapping[str, Any]:
    try:
        content = annotation["annotation"]
        _ = content["size"]["height"], content["size"]["width"]
        for entry in content["object"]:
            _ = entry["id"], _edges(entry)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"`{name}` lacks {error}, expected {{'annotation': {{'size': {{'height', 'width'}}, "
            "'object': [{'id', 'name', 'bndbox'}]}}; complete it."
        ) from None
    return content
