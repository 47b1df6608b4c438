"""The loss of a YOLO detector, as a pure function of what its heads say."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from jslayer.loss.labels import one_hot
from jslayer.obd.head import Unit, cells
from jslayer.obd.overlap import ciou

PARTS = ("coordinates", "object", "no object", "class", "iou")
"""Names of the five terms, in the order of ``parts``."""

_LARGEST = 10.0  # exponent of a width or height: a first wild step shall be no infinity


def yolo_loss(
    raws: Sequence[jax.Array],
    targets: Sequence[jax.Array],
    anchors: jax.Array,
    *,
    lambda_coord: float | jax.Array = 1.0,
    lambda_noobj: float | jax.Array = 10.0,
    lambda_obj: float | jax.Array = 5.0,
    lambda_cls: float | jax.Array = 1.0,
    lambda_iou: float | jax.Array = 1.0,
    alpha_iou: float | jax.Array = 0.25,
    label_smoothing: float | jax.Array = 0.1,
    unit: Unit = "frame",
) -> tuple[jax.Array, jax.Array]:
    """Compares heads with targets: five terms, each a mean, summed over time steps and scales.

    With ``b = (sigmoid(x), sigmoid(y), exp(w) aw, exp(h) ah)`` in cells, over the anchors that hold
    an object: coordinates, the mean square of ``(sigmoid(x), sigmoid(y), w, h)`` minus their
    targets ``(tx, ty, log(tw / aw), log(th / ah))``; object, the cross-entropy of objectness with
    ``1 - alpha_iou + alpha_iou max(ciou, 0)``; class, the cross-entropy of the classes, with a part
    ``label_smoothing`` of the target spread evenly; iou, ``(1 - ciou)^2``. No object is the
    cross-entropy of objectness with 0, over the anchors whose target is 0. A term without anchors
    is 0.

    Args:
      raws: Per scale ``[N, A, H, W, 5 + C, T]``, see ``raw_layout``.
      targets: Per scale ``[N, A, H, W, 6, T]``, see ``yolo_target``.
      anchors: ``[S, A, 2]``.
      lambda_coord: Factor of the coordinates.
      lambda_noobj: Factor of what is no object.
      lambda_obj: Factor of what is one.
      lambda_cls: Factor of the classes.
      lambda_iou: Factor of the overlap.
      alpha_iou: How much the objectness to learn depends on the overlap, 0 to 1.
      label_smoothing: Part of a class' target that is spread over all classes, 0 to 1.
      unit: Of ``anchors``.

    Returns:
      The loss ``[]``, and its terms ``[5]`` in the order of ``PARTS``, each with its factor.

    Raises:
      ValueError: The shapes do not fit.
    """
    anchors = jnp.asarray(anchors, jnp.float32)
    if not len(raws) == len(targets) == len(anchors):
        raise ValueError(
            f"`raws`, `targets` and `anchors` have {len(raws)}, {len(targets)} and {len(anchors)} "
            "scales, expected the same number; give one entry for each scale."
        )
    given = (lambda_coord, lambda_obj, lambda_noobj, lambda_cls, lambda_iou)
    factors = jnp.stack([jnp.asarray(factor, jnp.float32) for factor in given])
    parts = jnp.zeros(5)
    for number, (raw, target, sizes) in enumerate(zip(raws, targets, anchors, strict=True)):
        _fits(number, raw, target, sizes)
        height, width = raw.shape[2:4]
        terms = functools.partial(
            _terms,
            anchors=cells(sizes, width, height, unit),
            alpha_iou=alpha_iou,
            label_smoothing=label_smoothing,
        )
        by_step = jax.vmap(terms, (-1, -1))(jnp.asarray(raw), jnp.asarray(target))
        parts = parts + factors * jnp.sum(by_step, 0)
    return jnp.sum(parts), parts


def _fits(number: int, raw: jax.Array, target: jax.Array, sizes: jax.Array) -> None:
    expected = (*raw.shape[:4], 6, *raw.shape[5:])
    if raw.ndim != 6 or target.shape != expected or raw.shape[1] != len(sizes):
        raise ValueError(
            f"`raws[{number}]` and `targets[{number}]` have shapes {raw.shape} and {target.shape} "
            f"for {len(sizes)} anchors, expected [N, A, H, W, 5 + C, T] and [N, A, H, W, 6, T]; "
            "check `raw_layout` and the grids of the targets."
        )


def _terms(raw, target, *, anchors, alpha_iou, label_smoothing):
    """The five terms of one scale and step; ``[N, A, H, W, ..]``."""
    there, empty = target[..., 4] == 1, target[..., 4] == 0

    def mean(value, where):
        count = jnp.sum(where, dtype=jnp.float32)
        return jnp.sum(jnp.where(where, value, 0)) / jnp.maximum(count, 1)

    # Harmless numbers go in where there is no object: one that is only left out of the sum could
    # still be an infinity, and then its gradient is NaN.
    size = anchors.reshape(1, -1, 1, 1, 2)
    goal = jnp.where(there[..., None], target[..., :4], 1)
    exponent = jnp.where(there[..., None], raw[..., 2:4], 0)
    place = jax.nn.sigmoid(raw[..., :2])
    box = jnp.concatenate([place, jnp.exp(jnp.minimum(exponent, _LARGEST)) * size], -1)
    overlap = ciou(box, goal)
    wanted = 1 - alpha_iou + alpha_iou * jnp.maximum(lax.stop_gradient(overlap), 0)

    logits = jnp.log(goal[..., 2:] / size + 1e-16)
    apart = jnp.concatenate([place, exponent], -1) - jnp.concatenate([goal[..., :2], logits], -1)

    classes = raw.shape[-1] - 5
    label = jnp.where(there, target[..., 5], 0).astype(jnp.int32)
    share = (1 - label_smoothing) * one_hot(label, classes) + label_smoothing / classes

    # Sigma-delta heads say exactly 0 where no event came; written with |x| it has no slope there.
    cross = optax.sigmoid_binary_cross_entropy
    return jnp.stack(
        [
            mean(jnp.mean(apart**2, -1), there),
            mean(cross(raw[..., 4], wanted), there),
            mean(cross(raw[..., 4], jnp.zeros_like(raw[..., 4])), empty),
            mean(optax.softmax_cross_entropy(raw[..., 5:], share), there),
            mean((1 - overlap) ** 2, there),
        ]
    )


class YOLOLoss:
    """``yolo_loss`` with its settings, by lava-dl's name, arguments and unit of anchors.

    Args:
      anchors: ``[S, A, 2]``. Width and height, in cells.
      lambda_coord: Factor of the coordinates.
      lambda_noobj: Factor of what is no object.
      lambda_obj: Factor of what is one.
      lambda_cls: Factor of the classes.
      lambda_iou: Factor of the overlap.
      alpha_iou: How much the objectness to learn depends on the overlap.
      startup_samples: Kept for the order of the arguments; nothing depends on it, as in lava-dl.
      label_smoothing: Part of a class' target that is spread over all classes.
      unit: Of ``anchors``; ``"frame"`` for fractions of the frame.
    """

    def __init__(
        self,
        anchors: Any,
        lambda_coord: float = 1.0,
        lambda_noobj: float = 10.0,
        lambda_obj: float = 5.0,
        lambda_cls: float = 1.0,
        lambda_iou: float = 1.0,
        alpha_iou: float = 0.25,
        startup_samples: int = 10000,
        label_smoothing: float = 0.1,
        *,
        unit: Unit = "reference",
    ):
        del startup_samples
        self.anchors = jnp.asarray(anchors, jnp.float32)
        self.settings = {
            "lambda_coord": lambda_coord,
            "lambda_noobj": lambda_noobj,
            "lambda_obj": lambda_obj,
            "lambda_cls": lambda_cls,
            "lambda_iou": lambda_iou,
            "alpha_iou": alpha_iou,
            "label_smoothing": label_smoothing,
        }
        self.unit: Unit = unit

    def __call__(
        self, predictions: Sequence[jax.Array], targets: Sequence[jax.Array]
    ) -> tuple[jax.Array, jax.Array]:
        """Returns the loss and its five terms; see ``yolo_loss``."""
        return yolo_loss(predictions, targets, self.anchors, **self.settings, unit=self.unit)

    forward = __call__
