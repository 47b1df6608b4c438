"""Numbers of the file: checked conversions that never round, clip or drop silently."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jslayer.hdf5.limits import BIAS_RANGE, HIGHEST, LOWEST

_CLOSE = 1e-6
"""A float32 quotient by a scale that is no power of two misses its multiple by a rounding."""


def whole_even(name: str, value: Any, scale: int) -> np.ndarray:
    """``value scale`` as float32, where that is even whole numbers in [-256, 254].

    Args:
      name: What the numbers are, for the error.
      value: Quantised numbers, in threshold units.
      scale: Integer weights per threshold unit.

    Returns:
      float32, shaped like ``value``.

    Raises:
      ValueError: a number lies outside of the range or between the steps.
    """
    scaled = np.asarray(value, np.float64) * scale
    even = 2 * np.round(scaled / 2) + 0.0  # no negative zeros
    fits = np.isclose(scaled, even, rtol=_CLOSE, atol=0) & (even >= LOWEST) & (even <= HIGHEST)
    if not fits.all():
        raise ValueError(
            f"`{name}` times scale {scale} holds {scaled[~fits].flat[0]:g}, expected even whole "
            f"numbers in [{LOWEST}, {HIGHEST}]; train with the neuron's `quantize_8bit` as hook."
        )
    return even.astype(np.float32)


def whole_bias(name: str, value: Any, scale: int) -> np.ndarray:
    """As `whole_even`, for whole numbers within `BIAS_RANGE`."""
    scaled = np.asarray(value, np.float64) * scale
    whole = np.round(scaled) + 0.0
    low, high = BIAS_RANGE
    fits = np.isclose(scaled, whole, rtol=_CLOSE, atol=0) & (whole >= low) & (whole <= high)
    if not fits.all():
        raise ValueError(
            f"`{name}` times scale {scale} holds {scaled[~fits].flat[0]:g}, expected whole numbers "
            f"in [{low}, {high}]; quantise it."
        )
    return whole.astype(np.float32)


def reduced(weight: Any) -> tuple[np.ndarray, int]:
    """Integer weights in their smallest form: ``weight = mantissa 2^exponent``.

    Args:
      weight: Whole numbers, any shape, as the file holds them.

    Returns:
      The mantissa, int32 shaped like ``weight``, and the exponent: the largest for which it is
      whole, 0 where all weights are zero.

    Raises:
      ValueError: a weight is no whole number, or beyond int32.

    Example:
      >>> mantissa, exponent = reduced([[8, -24], [16, 0]])
      >>> mantissa.tolist(), exponent
      ([[1, -3], [2, 0]], 3)
    """
    given = np.asarray(weight, np.float64)
    if not (np.isfinite(given).all() and (given == np.trunc(given)).all()):
        raise ValueError(
            "`weight` holds fractions or no numbers, expected whole numbers; pass the weights as "
            "the network file holds them."
        )
    if (np.abs(given) >= 2**31).any():
        raise ValueError(
            f"`weight` holds {given.flat[np.argmax(np.abs(given))]:g}, expected 32-bit integers; "
            "quantise it."
        )
    whole = given.astype(np.int64)
    bits = int(np.bitwise_or.reduce(np.abs(whole).reshape(-1), initial=0))
    exponent = (bits & -bits).bit_length() - 1 if bits else 0
    return (whole >> exponent).astype(np.int32), exponent


def check_finite(variables: Mapping[str, Any]) -> None:
    """Raises unless every array that goes into the file is real floating-point and finite."""
    kept = {k: v for k, v in variables.items() if k in ("params", "batch_stats", "constants")}
    for path, leaf in jax.tree_util.tree_leaves_with_path(kept):
        name = "/".join(str(getattr(key, "key", key)) for key in path)
        array = np.asarray(leaf)
        if name == "constants/shape":
            continue
        if not jax.numpy.issubdtype(array.dtype, np.floating):
            raise TypeError(
                f"`{name}` has dtype {array.dtype}, expected real floating-point numbers; "
                "convert it, or export a network whose weights are real."
            )
        if not np.isfinite(array.astype(np.float64)).all():
            raise ValueError(
                f"`{name}` holds NaN or infinity, expected finite numbers; "
                "export an earlier checkpoint."
            )


def lookup(variables: Mapping[str, Any], path: str) -> Any:
    """What is at ``path``, e.g. ``params/synapse``.

    Raises:
      ValueError: there is nothing.
    """
    node = variables
    for part in path.split("/"):
        if not isinstance(node, Mapping) or part not in node:
            raise ValueError(
                f"`variables` has no {path} for this block, expected what `init` returned; pass "
                "all of its collections, from the same network, with the trained params."
            )
        node = node[part]
    return node


def check_shape(name: str, value: Any, shape: tuple[int, ...]) -> None:
    """Raises ``ValueError`` unless ``value`` has ``shape``."""
    if np.shape(value) != shape:
        raise ValueError(
            f"`{name}` has shape {np.shape(value)}, expected {shape} for this block; "
            "pass the variables of the same network."
        )


def int64(value: Any) -> np.ndarray:
    """A number, or numbers, as the file holds whole ones."""
    return np.asarray(value, np.int64)
