"""From a synapse's parameters to the weight in use: norm, mask, quantiser."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jslayer.synapse.hashable import Mask

Hook = Callable[[jax.Array], jax.Array]

_TINY = 1e-30


def masked(weight: jax.Array, mask: Mask | None) -> jax.Array:
    """``weight`` with exact zeros where ``mask`` has no connection."""
    return weight if mask is None else jnp.where(mask.over(weight.shape), weight, 0.0)


def length(weight: jax.Array) -> jax.Array:
    """Euclidean length over all axes but the first, kept as axes; safe to differentiate at 0."""
    square = jnp.sum(weight * weight, axis=tuple(range(1, weight.ndim)), keepdims=True)
    alive = square > 0
    return jnp.where(alive, jnp.sqrt(jnp.where(alive, square, 1.0)), 0.0)


def weight_in_use(params: Mapping[str, Any], hook: Hook | None, mask: Mask | None) -> jax.Array:
    """The weight in use, from a synapse's ``params``: what its forward pass computes.

    Args:
      params: ``{"weight"}``, or ``{"weight_v", "weight_g"}``.
      hook: Quantiser, or ``None``.
      mask: Connectivity, or ``None``.

    Returns:
      float32, shaped like the stored weight.

    Raises:
      ValueError: ``mask`` does not fit the weight.
    """
    if "weight" in params:
        weight = masked(params["weight"], mask)
    else:
        direction = masked(params["weight_v"], mask)
        weight = direction * (params["weight_g"] / jnp.maximum(length(direction), _TINY))
    # once more behind the hook, which need not leave a zero alone
    return weight if hook is None else masked(hook(weight), mask)


def grad_norm(gradients: Mapping[str, Any]) -> jax.Array:
    """Size of a synapse's gradient: ``|g|_2 / numel(g)`` of ``weight``, or of ``weight_g``.

    Args:
      gradients: The synapse's gradients by parameter name; those of a complex synapse hold a
        mapping for ``real`` and one for ``imag``.

    Returns:
      A float32 scalar; ``sqrt(real^2 + imag^2)`` for a complex synapse, 0 for one that does not
      learn.
    """
    if "real" in gradients or "imag" in gradients:
        return jnp.hypot(*(grad_norm(gradients.get(part, {})) for part in ("real", "imag")))
    for name in ("weight_g", "weight"):
        if name in gradients:
            return jnp.linalg.norm(jnp.ravel(gradients[name])) / gradients[name].size
    return jnp.zeros((), jnp.float32)
