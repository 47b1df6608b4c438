"""Classifiers on spike trains: rates, confidences, decisions."""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp

from jslayer.ops import check

Mode = Literal["probability", "softmax", "logsoftmax"]


def confidence(rate: jax.Array, mode: Mode = "probability", *, eps: float = 1e-6) -> jax.Array:
    """Confidence in each class from its rate, along axis 1.

    ``probability``: ``r / (sum r + eps)``; ``softmax`` and ``logsoftmax`` of the rates.

    Args:
      rate: ``[N, K, ...]`` float32.
      mode: Which.
      eps: Keeps a silent network from dividing by zero.

    Returns:
      float32, shaped like ``rate``.

    Raises:
      ValueError: ``mode`` is unknown.
    """
    check.choice("mode", mode, ("probability", "softmax", "logsoftmax"))
    if mode == "probability":
        return rate / (jnp.sum(rate, axis=1, keepdims=True) + eps)
    return (jax.nn.softmax if mode == "softmax" else jax.nn.log_softmax)(rate, axis=1)


@dataclasses.dataclass(frozen=True)
class Rate:
    """Decides for the class that spikes most.

    Example:
      >>> import jax.numpy as jnp
      >>> Rate.predict(jnp.array([[[0.0, 1.0], [1.0, 1.0]]]))
      Array([1], dtype=int32)
    """

    def __call__(self, x: jax.Array) -> jax.Array:
        """As `predict`."""
        return self.predict(x)

    @staticmethod
    def rate(x: jax.Array) -> jax.Array:
        """``[N, C, ..., T]`` spikes to their mean over time ``[N, C, ...]``."""
        check.rank("x", x, at_least=3, at_most=5, layout="N, C, ..., T")
        check.time_steps("x", x, axis=-1)
        check.no_nan("x", x)
        return jnp.mean(x, axis=-1)

    @staticmethod
    def confidence(x: jax.Array, mode: Mode = "probability", *, eps: float = 1e-6) -> jax.Array:
        """Confidence in each of the flattened classes, ``[N, K]``; see `confidence`."""
        rate = Rate.rate(x)
        return confidence(rate.reshape(rate.shape[0], -1), mode, eps=eps)

    @staticmethod
    def predict(x: jax.Array) -> jax.Array:
        """Class of each sample, ``[N]`` int32."""
        rate = Rate.rate(x)
        return jnp.argmax(rate.reshape(rate.shape[0], -1), axis=1).astype(jnp.int32)
