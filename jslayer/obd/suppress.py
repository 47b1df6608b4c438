"""Non-maximum suppression: of boxes that show the same thing, the best one stays."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jslayer.obd.overlap import iou_of_pairs
from jslayer.ops import check


def nms(
    predictions: jax.Array | np.ndarray,
    *,
    conf_threshold: float | jax.Array = 0.5,
    nms_threshold: float | jax.Array = 0.4,
    merge_conf: bool = True,
    max_candidates: int = 300,
    max_detections: int = 300,
) -> tuple[jax.Array, jax.Array]:
    """Keeps the best boxes of a frame, class by class, in arrays of fixed shapes.

    Boxes with an objectness above ``conf_threshold`` are candidates. The best one stays, and every
    other of its class that overlaps it by more than ``nms_threshold`` goes; then the best of the
    rest, and so on. Of equal scores the earlier row is the better one. Batches by ``jax.vmap``.

    Args:
      predictions: ``[B, 5 + C]``. Box, objectness, scores of the classes.
      conf_threshold: Least objectness, exclusive.
      nms_threshold: Largest IoU of two boxes that both stay, inclusive.
      merge_conf: The score is objectness times that of the best class, otherwise objectness.
      max_candidates: Only so many of the best candidates are looked at.
      max_detections: Most boxes that stay.

    Returns:
      ``rows [D, 6]`` with box, score and label, best first and zeros at the end, and ``found [D]``,
      true where there is one; ``D`` is the least of ``B``, ``max_candidates`` and
      ``max_detections``.

    Raises:
      ValueError: There is no class, or a number is below 1.

    Example:
      >>> boxes = jnp.array([[0.5, 0.5, 0.2, 0.2, 0.9, 1.0], [0.5, 0.52, 0.2, 0.2, 0.8, 1.0]])
      >>> rows, found = nms(boxes)
      >>> found.tolist(), rows[0, 4:].round(2).tolist()
      ([True, False], [0.8999999761581421, 0.0])
    """
    check.rank("predictions", predictions, at_least=2, at_most=2, layout="B, 5 + C")
    check.floating("predictions", predictions)
    check.whole("max_candidates", max_candidates)
    check.whole("max_detections", max_detections)
    if predictions.shape[1] < 6:
        raise ValueError(
            f"`predictions` has shape {predictions.shape}, expected [B, 5 + C] with at least one "
            "class; add a column of ones where there is only one kind of object."
        )
    if not predictions.shape[0]:
        return jnp.zeros((0, 6), predictions.dtype), jnp.zeros(0, bool)
    return _nms(
        jnp.asarray(predictions),
        conf_threshold,
        nms_threshold,
        merge_conf=bool(merge_conf),
        count=int(max_candidates),
        most=int(max_detections),
    )


@functools.partial(jax.jit, static_argnames=("merge_conf", "count", "most"))
def _nms(predictions, conf_threshold, nms_threshold, *, merge_conf, count, most):
    objectness, classes = predictions[:, 4], predictions[:, 5:]
    label, best = jnp.argmax(classes, -1), jnp.max(classes, -1)
    score = objectness * best if merge_conf else objectness
    count = min(count, predictions.shape[0])
    score, order = lax.top_k(jnp.where(objectness > conf_threshold, score, -jnp.inf), count)
    box, label = predictions[order, :4], label[order]
    later = jnp.arange(count)

    def suppress(i, keep):
        # A row of the matrix of overlaps at a time: 1,000 frames of 300 boxes need no gigabyte.
        worse = (iou_of_pairs(box[i], box) > nms_threshold) & (label == label[i]) & (later > i)
        return keep & ~(worse & keep[i])

    keep = lax.fori_loop(0, count, suppress, score > -jnp.inf)
    _, first = lax.top_k(jnp.where(keep, -later, -count), min(most, count))
    rows = jnp.column_stack([box, score, label.astype(box.dtype)])[first]
    found = keep[first]
    return jnp.where(found[:, None], rows, 0), found
