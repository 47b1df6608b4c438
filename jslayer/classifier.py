"""Classifiers on spike trains: rates, confidences, decisions."""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp

from jslayer.ops import check
from jslayer.ops.filter import moving_rate

__all__ = ["Mode", "MovingWindow", "Rate", "confidence"]


def __dir__() -> list[str]:
    return __all__


Mode = Literal["probability", "softmax", "logsoftmax"]


def confidence(
    rate: jax.typing.ArrayLike, mode: Mode = "probability", *, eps: float = 1e-6
) -> jax.Array:
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

    def __call__(self, x: jax.typing.ArrayLike) -> jax.Array:
        """As `predict`."""
        return self.predict(x)

    @staticmethod
    def rate(x: jax.typing.ArrayLike) -> jax.Array:
        """``[N, C, ..., T]`` spikes to their mean over time ``[N, C, ...]``."""
        _check_spikes(x)
        return jnp.mean(x, axis=-1)

    @staticmethod
    def confidence(
        x: jax.typing.ArrayLike, mode: Mode = "probability", *, eps: float = 1e-6
    ) -> jax.Array:
        """Confidence in each of the flattened classes, ``[N, K]``; see `confidence`."""
        rate = Rate.rate(x)
        return confidence(rate.reshape(rate.shape[0], -1), mode, eps=eps)

    @staticmethod
    def predict(x: jax.typing.ArrayLike) -> jax.Array:
        """Class of each sample, ``[N]`` int32."""
        rate = Rate.rate(x)
        return jnp.argmax(rate.reshape(rate.shape[0], -1), axis=1).astype(jnp.int32)


@dataclasses.dataclass(frozen=True)
class MovingWindow:
    """Decides at every step for the class that spiked most in the last ``time_window`` steps.

    Rates are sums over the window divided by its length; zeros count before the start, so that the
    rates of the first steps are low.

    Attributes:
      time_window: Steps of the window.
      mode: Confidence when none is asked for by name.
      eps: Keeps a silent network from dividing by zero.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.array([[[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]])
      >>> MovingWindow(2)(x)
      Array([[0, 0, 1, 1]], dtype=int32)
    """

    time_window: int
    mode: Mode = "probability"
    eps: float = 1e-6

    def __call__(self, x: jax.typing.ArrayLike) -> jax.Array:
        """As `predict`."""
        return self.predict(x)

    def rate(self, x: jax.typing.ArrayLike) -> jax.Array:
        """``[N, C, ..., T]`` spikes to the moving rate of every step, same shape.

        Raises:
          TypeError: ``x`` is not floating-point.
          ValueError: ``x`` has another rank, no time step or NaN, or the window is below 1.
        """
        _check_spikes(x)
        check.whole("time_window", self.time_window)
        return moving_rate(x, self.time_window)

    def confidence(self, x: jax.typing.ArrayLike, mode: Mode | None = None) -> jax.Array:
        """Confidence in each of the flattened classes, ``[N, K, T]``; see `confidence`.

        Args:
          x: ``[N, C, ..., T]`` float32 spikes.
          mode: Which, or ``None`` for the object's.
        """
        rate = self.rate(x)
        rate = rate.reshape(rate.shape[0], -1, rate.shape[-1])
        return confidence(rate, self.mode if mode is None else mode, eps=self.eps)

    def predict(self, x: jax.typing.ArrayLike) -> jax.Array:
        """Channel with the highest rate at every step and, in an image, every place.

        Args:
          x: ``[N, C, ..., T]`` float32 spikes.

        Returns:
          ``[N, ..., T]`` int32; ``[N, T]`` without spatial axes.
        """
        return jnp.argmax(self.rate(x), axis=1).astype(jnp.int32)


def _check_spikes(x):
    check.rank("x", x, at_least=3, at_most=5, layout="N, C, ..., T")
    check.time_steps("x", x, axis=-1)
    check.no_nan("x", x)
