"""From what the head of a network says to boxes, and from boxes to detections."""

from collections.abc import Sequence
from typing import Literal

import jax
import jax.numpy as jnp

from jslayer.obd.suppress import nms
from jslayer.ops import check

Unit = Literal["frame", "reference"]
"""Of anchors. ``"frame"``: fractions of the frame everywhere. ``"reference"``: as in lava-dl, whose
trained networks need it, fractions for targets but cells for decoding and loss."""


def raw_layout(x: jax.Array, num_anchors: int) -> jax.Array:
    """Separates anchors and numbers of a head's channels.

    Args:
      x: ``[N, A (5 + C), H, W, T]``.
      num_anchors: ``A``.

    Returns:
      ``[N, A, H, W, 5 + C, T]``: x, y, width, height, objectness, classes, before decoding.

    Raises:
      ValueError: The channels are no multiple of ``num_anchors``.
    """
    check.rank("x", x, at_least=5, at_most=5, layout="N, A (5 + C), H, W, T")
    count, channels, height, width, steps = x.shape
    if channels % num_anchors or channels // num_anchors < 6:
        raise ValueError(
            f"`x` has shape {x.shape}, expected {num_anchors} (5 + C) channels for {num_anchors} "
            "anchors; build the head with as many outputs."
        )
    parts = jnp.reshape(x, (count, num_anchors, channels // num_anchors, height, width, steps))
    return jnp.moveaxis(parts, 2, 4)


def cells(anchors: jax.Array, width: int, height: int, unit: Unit) -> jax.Array:
    """Returns anchors ``[.., 2]`` in cells of a grid."""
    check.choice("unit", unit, ("frame", "reference"))
    anchors = jnp.asarray(anchors, jnp.float32)
    return anchors if unit == "reference" else anchors * jnp.array([width, height], jnp.float32)


def decode(
    raw: jax.Array,
    anchors: jax.Array,
    *,
    clamp_max: float = 5.0,
    unit: Unit = "frame",
) -> jax.Array:
    """Turns a head's numbers into boxes.

    ``(sigmoid(x) + column) / W``, ``(sigmoid(y) + row) / H``, ``exp(min(w, clamp_max))`` times the
    anchor's width and likewise height, ``sigmoid(objectness)``, softmax over the classes.

    Args:
      raw: ``[N, A, H, W, 5 + C, T]``, see ``raw_layout``.
      anchors: ``[A, 2]``. Width and height.
      clamp_max: Largest exponent.
      unit: Of ``anchors``.

    Returns:
      ``[N, A, H, W, 5 + C, T]``, boxes in fractions of the frame.

    Raises:
      ValueError: ``raw`` holds NaN or infinity (where values are concrete), or has another number
        of anchors.

    Example:
      >>> decode(jnp.zeros((1, 1, 1, 1, 7, 1)), jnp.array([[0.25, 0.5]]))[0, 0, 0, 0, :, 0].tolist()
      [0.5, 0.5, 0.25, 0.5, 0.5, 0.5, 0.5]
    """
    check.rank("raw", raw, at_least=6, at_most=6, layout="N, A, H, W, 5 + C, T")
    check.axis_size("raw", raw, axis=1, size=len(anchors), meaning="the anchors")
    check.finite("raw", raw)
    height, width = raw.shape[2:4]
    size = cells(anchors, width, height, unit).reshape(-1, 1, 1, 2, 1)
    grid = jnp.array([width, height], raw.dtype).reshape(2, 1)
    row, column = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
    cell = jnp.stack([column, row], -1)[..., None].astype(raw.dtype)
    place = (jax.nn.sigmoid(raw[..., :2, :]) + cell) / grid
    extent = jnp.exp(jnp.minimum(raw[..., 2:4, :], clamp_max)) * size / grid
    objectness = jax.nn.sigmoid(raw[..., 4:5, :])
    classes = jax.nn.softmax(raw[..., 5:, :], -2)
    return jnp.concatenate([place, extent, objectness, classes], -2)


def predictions(
    raws: Sequence[jax.Array],
    anchors: jax.Array,
    *,
    clamp_max: float = 5.0,
    unit: Unit = "frame",
) -> jax.Array:
    """Decodes all scales into one list of boxes.

    Args:
      raws: Per scale ``[N, A, H, W, 5 + C, T]``.
      anchors: ``[S, A, 2]``.
      clamp_max: Largest exponent of a width or height.
      unit: Of ``anchors``.

    Returns:
      ``[N, sum of A H W, 5 + C, T]``.
    """
    flat = []
    for raw, sizes in zip(raws, anchors, strict=True):
        boxes = decode(raw, sizes, clamp_max=clamp_max, unit=unit)
        flat.append(boxes.reshape(boxes.shape[0], -1, *boxes.shape[4:]))
    return jnp.concatenate(flat, 1)


def detections(
    raws: Sequence[jax.Array],
    anchors: jax.Array,
    *,
    clamp_max: float = 5.0,
    unit: Unit = "frame",
    conf_threshold: float = 0.5,
    nms_threshold: float = 0.4,
    merge_conf: bool = True,
    max_candidates: int = 300,
    max_detections: int = 300,
) -> tuple[jax.Array, jax.Array]:
    """Decodes heads and keeps the best boxes of every frame; see ``decode`` and ``nms``.

    Args:
      raws: Per scale ``[N, A, H, W, 5 + C, T]``.
      anchors: ``[S, A, 2]``.
      clamp_max: Largest exponent of a width or height.
      unit: Of ``anchors``.
      conf_threshold: Least objectness, exclusive.
      nms_threshold: Largest IoU of two boxes that both stay.
      merge_conf: The score is objectness times that of the best class.
      max_candidates: Only so many of the best candidates of a frame are looked at.
      max_detections: Most boxes of a frame.

    Returns:
      ``rows [N, T, D, 6]`` with box, score and label, and ``found [N, T, D]``.
    """
    boxes = jnp.moveaxis(predictions(raws, anchors, clamp_max=clamp_max, unit=unit), -1, 1)

    def one(frame: jax.Array) -> tuple[jax.Array, jax.Array]:
        return nms(
            frame,
            conf_threshold=conf_threshold,
            nms_threshold=nms_threshold,
            merge_conf=merge_conf,
            max_candidates=max_candidates,
            max_detections=max_detections,
        )

    return jax.vmap(jax.vmap(one))(boxes)
