"""What a detector should say: the objects of a frame on the grids of its scales."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jslayer.obd.annotation import tensor_from_annotation
from jslayer.obd.overlap import wh_iou
from jslayer.obd.padding import OBJECT, check_objects, number_of_rows
from jslayer.ops import check

_FREE, _IGNORED = -1, -2  # owners of an anchor that no row holds


def yolo_target(
    rows: jax.Array,
    kind: jax.Array,
    anchors: jax.Array,
    scales: Sequence[tuple[int, int]],
    *,
    ignore_iou: float | jax.Array = 0.5,
) -> tuple[jax.Array, ...]:
    """Writes the objects of a frame onto the anchors of its scales.

    Row after row: on each scale, of the anchors at the object's cell that are still free, the one
    whose size is most like the object's holds it. Other free anchors there whose size is like it
    by more than ``ignore_iou`` are ignored by the loss (objectness -1), as are all free anchors at
    the cell of a row of kind -1. Batches by ``jax.vmap``.

    Args:
      rows: ``[M, 6]``. ``(x, y, width, height, confidence, label)`` in fractions of the frame, as
        `pad_objects` orders them. x and y of 1 belong to the last cell.
      kind: ``[M]``: 1 object, 0 none, -1 to be ignored.
      anchors: ``[S, A, 2]``. Width and height, in fractions of the frame.
      scales: ``(W, H)`` of the grid of each scale.
      ignore_iou: Largest likeness of a size that still counts as background.

    Returns:
      Per scale ``[A, H, W, 6]``: x and y inside of the cell and width and height, all in cells;
      1, 0 or -1; label.

    Raises:
      ValueError: The shapes do not fit, or an object is no box of the frame (where values are
        concrete).

    Example:
      >>> row = jnp.array([[0.625, 0.5, 0.25, 0.25, 1.0, 2.0]])
      >>> anchors = jnp.array([[[0.3, 0.2], [0.1, 0.1]]])
      >>> target, = yolo_target(row, jnp.array([1]), anchors, [(4, 4)])
      >>> target[0, 2, 2].tolist()
      [0.5, 0.0, 1.0, 1.0, 1.0, 2.0]
    """
    check.rank("anchors", anchors, at_least=3, at_most=3, layout="S, A, 2")
    if anchors.shape[0] != len(scales):
        raise ValueError(
            f"`anchors` has shape {anchors.shape} for {len(scales)} scales, expected one set of "
            "anchors for each; give as many."
        )
    if check.is_concrete(rows) and check.is_concrete(kind):
        check_objects("rows", np.asarray(rows), np.asarray(kind))
    grids = tuple((int(width), int(height)) for width, height in scales)
    given = jnp.asarray(rows), jnp.asarray(kind), jnp.asarray(anchors)
    return _yolo_target(*given, ignore_iou, scales=grids)


@functools.partial(jax.jit, static_argnames="scales")
def _yolo_target(rows, kind, anchors, ignore_iou, *, scales):
    number = jnp.arange(anchors.shape[1])
    like = [wh_iou(rows[:, 2:4], sizes) for sizes in anchors]  # [M, A] per scale
    places = []
    for width, height in scales:
        column = jnp.clip((rows[:, 0] * width).astype(jnp.int32), 0, width - 1)
        row = jnp.clip((rows[:, 1] * height).astype(jnp.int32), 0, height - 1)
        places.append((row, column))

    def put(owners, index):
        new = []
        for owner, (row, column), alike in zip(owners, places, like, strict=True):
            i, j = row[index], column[index]
            here = owner[:, i, j]
            free = here == _FREE
            best = jnp.argmax(jnp.where(free, alike[index], -1))
            mine = free & (number == best)
            near = free & ~mine & (alike[index] > ignore_iou)
            held = jnp.where(mine, index, jnp.where(near, _IGNORED, here))
            crowd = jnp.where(free, _IGNORED, here)
            changed = jnp.where(kind[index] == OBJECT, held, crowd)
            new.append(owner.at[:, i, j].set(jnp.where(kind[index] != 0, changed, here)))
        return tuple(new), None

    count = anchors.shape[1]
    free = tuple(jnp.full((count, height, width), _FREE, jnp.int32) for width, height in scales)
    owners, _ = lax.scan(put, free, jnp.arange(rows.shape[0], dtype=jnp.int32))
    together = zip(owners, places, scales, strict=True)
    return tuple(_written(owner, rows, place, scale) for owner, place, scale in together)


def _written(owner, rows, place, scale):
    """The grid of one scale, from the row that holds each anchor."""
    (row, column), (width, height) = place, scale
    entry = jnp.stack(
        [
            rows[:, 0] * width - column.astype(rows.dtype),
            rows[:, 1] * height - row.astype(rows.dtype),
            rows[:, 2] * width,
            rows[:, 3] * height,
            jnp.ones_like(rows[:, 0]),
            rows[:, 5],
        ],
        axis=-1,
    )
    free, ignored = jnp.zeros((1, 6), rows.dtype), jnp.zeros((1, 6), rows.dtype).at[0, 4].set(-1)
    table = jnp.concatenate([entry, free, ignored])
    count = rows.shape[0]
    return table[jnp.where(owner >= 0, owner, jnp.where(owner == _FREE, count, count + 1))]


class YOLOtarget:
    """Makes targets of annotations, with lava-dl's name and arguments.

    Args:
      anchors: ``[S, A, 2]``. Width and height, in fractions of the frame.
      scales: ``(W, H)`` of the grid of each scale.
      num_classes: Labels are below it.
      ignore_iou_thres: See ``yolo_target``.

    Example:
      >>> target = YOLOtarget([[[0.3, 0.2]]], [(4, 3)], num_classes=2)
      >>> [grid.shape for grid in target([[0.5, 0.5, 0.3, 0.3, 1.0, 1.0]])]
      [(1, 3, 4, 6)]
    """

    def __init__(
        self,
        anchors: Any,
        scales: Sequence[tuple[int, int]],
        num_classes: int,
        ignore_iou_thres: float = 0.5,
    ):
        self.anchors = jnp.asarray(anchors, jnp.float32)
        self.scales = tuple((int(width), int(height)) for width, height in scales)
        self.num_classes = num_classes
        self.ignore_iou_thres = ignore_iou_thres

    def forward(self, targets: Any) -> list[jax.Array]:
        """Returns ``[A, H, W, 6]`` per scale for the rows ``[n, 6]`` of a frame, in their order.

        Raises:
          ValueError: A row is no box of the frame, or its label is out of range.
        """
        rows, kind = self._padded([targets], number_of_rows([len(targets)]))
        grids = yolo_target(
            rows[0], kind[0], self.anchors, self.scales, ignore_iou=self.ignore_iou_thres
        )
        return list(grids)

    __call__ = forward

    def collate_fn(
        self, batch: Sequence[tuple[Any, Sequence[Mapping[str, Any]]]]
    ) -> tuple[np.ndarray, list[jax.Array], list[list[np.ndarray]]]:
        """Makes a batch of samples with annotations.

        Args:
          batch: Samples ``(frames [C, H, W, T], annotations)``, one annotation for each step.

        Returns:
          ``frames [N, C, H, W, T]``; targets ``[N, A, H, W, 6, T]`` per scale; the boxes ``[n, 6]``
          of every step and sample, ``boxes[t][n]``.

        Raises:
          ValueError: The samples differ in shape, have no annotation for each frame, or a box is
            none of the frame.
        """
        frames = np.stack([np.asarray(sample) for sample, _ in batch])
        steps = frames.shape[-1]
        if any(len(annotations) != steps for _, annotations in batch):
            raise ValueError(
                f"`batch` has {[len(a) for _, a in batch]} annotations for {steps} frames each, "
                "expected one for every frame; give empty ones where there is nothing."
            )
        boxes = [[tensor_from_annotation(a[t]) for _, a in batch] for t in range(steps)]
        most = number_of_rows([len(rows) for step in boxes for rows in step])
        padded = [self._padded(step, most) for step in boxes]
        rows, kind = (np.stack(part) for part in zip(*padded, strict=True))
        one = functools.partial(_yolo_target, scales=self.scales)
        batched = jax.vmap(jax.vmap(one, (0, 0, None, None)), (0, 0, None, None))
        grids = batched(rows, kind, self.anchors, self.ignore_iou_thres)
        return frames, [jnp.moveaxis(grid, 0, -1) for grid in grids], boxes

    def _padded(self, boxes: Sequence[Any], most: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows ``[N, most, 6]`` and kinds, in the order in which the boxes are given."""
        rows = np.zeros((len(boxes), most, 6), np.float32)
        kind = np.zeros((len(boxes), most), np.int8)
        for number, given in enumerate(boxes):
            given = np.asarray(given, np.float32).reshape(-1, 6)
            rows[number, : len(given)], kind[number, : len(given)] = given, OBJECT
        check_objects("targets", rows, kind, num_classes=self.num_classes)
        return rows, kind
