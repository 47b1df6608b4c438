"""How much boxes overlap: intersection over union, of sets, of pairs, of sizes; complete IoU."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jslayer.obd.arrays import boxes as _boxes
from jslayer.obd.arrays import namespace

EPS = 1e-10
"""Keeps the quotient of empty boxes a number."""


def iou(a: Any, b: Any) -> Any:
    """Intersection over union of every box of one set with every box of another.

    Args:
      a: ``[.., N, >= 4]``. ``(x center, y center, width, height, ..)``.
      b: ``[.., M, >= 4]``.

    Returns:
      ``[.., N, M]``, 0 to 1; two boxes without area have 0.

    Example:
      >>> iou([[0.5, 0.5, 0.2, 0.2]], [[0.5, 0.5, 0.2, 0.1]]).round(3).tolist()
      [[0.5]]
    """
    a, b = _boxes("a", a), _boxes("b", b)
    return iou_of_pairs(a[..., :, None, :], b[..., None, :, :])


def iou_of_pairs(a: Any, b: Any) -> Any:
    """Intersection over union of boxes two by two.

    Args:
      a: ``[.., >= 4]``.
      b: ``[.., >= 4]``, broadcast against ``a``.

    Returns:
      ``[..]``.
    """
    a, b = _boxes("a", a), _boxes("b", b)
    xp = namespace(a, b)
    sides = []
    for k in (0, 1):
        low = xp.maximum(a[..., k] - a[..., k + 2] / 2, b[..., k] - b[..., k + 2] / 2)
        high = xp.minimum(a[..., k] + a[..., k + 2] / 2, b[..., k] + b[..., k + 2] / 2)
        sides.append(xp.maximum(high - low, 0))
    shared = sides[0] * sides[1]
    return shared / (a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - shared + EPS)


def wh_iou(a: Any, b: Any) -> Any:
    """Intersection over union of sizes, as if all boxes had one center.

    Args:
      a: ``[.., N, 2]``. Width and height.
      b: ``[.., M, 2]``.

    Returns:
      ``[.., N, M]``.
    """
    a, b = _boxes("a", a, at_least=2)[..., :, None, :], _boxes("b", b, at_least=2)[..., None, :, :]
    xp = namespace(a, b)
    smaller = xp.minimum(a, b)
    shared = smaller[..., 0] * smaller[..., 1]
    return shared / (a[..., 0] * a[..., 1] + b[..., 0] * b[..., 1] - shared + EPS)


def ciou(a: Any, b: Any) -> jax.Array:
    """Complete IoU of boxes two by two: overlap, distance of the centers, likeness of the forms.

    ``iou - d^2 / c^2 - alpha v``, where d is the distance of the centers, c the diagonal of the
    smallest box around both, ``v = 4 / pi^2 (atan(w1 / h1) - atan(w2 / h2))^2`` and
    ``alpha = v / (1 - iou + v)``, through which no gradient flows.

    Args:
      a: ``[.., >= 4]`` in one unit of length.
      b: ``[.., >= 4]``, broadcast against ``a``.

    Returns:
      ``[..]``, -1.5 to 1.

    References:
      Zheng et al., Enhancing Geometric Factors in Model Learning and Inference, 2020.
    """
    a, b = jnp.asarray(_boxes("a", a)), jnp.asarray(_boxes("b", b))
    overlap = iou_of_pairs(a, b)
    low = jnp.minimum(a[..., :2] - a[..., 2:4] / 2, b[..., :2] - b[..., 2:4] / 2)
    high = jnp.maximum(a[..., :2] + a[..., 2:4] / 2, b[..., :2] + b[..., 2:4] / 2)
    apart = jnp.sum((a[..., :2] - b[..., :2]) ** 2, -1) / (jnp.sum((high - low) ** 2, -1) + EPS)
    form = jnp.arctan(a[..., 2] / (a[..., 3] + EPS)) - jnp.arctan(b[..., 2] / (b[..., 3] + EPS))
    v = 4 / np.pi**2 * form**2
    alpha = lax.stop_gradient(v / (1 - overlap + v + EPS))
    return overlap - apart - alpha * v
