"""Where events lie in a tensor of bins, and whether the tensor can hold them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

MOST_BYTES = 2**31
"""Largest tensor that is made without having been asked for by its shape."""


def field(tensor: np.ndarray, num_dims: int) -> np.ndarray:
    """Returns a ``[C, H, W, T]`` view of ``tensor``; a 1-d set gets a row axis of 1."""
    if not isinstance(tensor, np.ndarray):
        raise TypeError(
            f"`tensor` is of type {type(tensor).__name__}, expected a NumPy array, which can be "
            "filled in place; fill np.zeros(shape) and convert the result."
        )
    if num_dims == 1 and tensor.ndim == 3:
        return tensor[:, None]
    if tensor.ndim != 4 or (num_dims == 1 and tensor.shape[1] != 1):
        layout = "[C, 1, X, T] or [C, X, T]" if num_dims == 1 else "[C, H, W, T]"
        raise ValueError(
            f"`tensor` has shape {tensor.shape}, expected {layout} for a {num_dims}-d event set; "
            "give one sample of that layout."
        )
    return tensor


def enclosing(
    axes: Mapping[str, np.ndarray], itemsize: int = 8, max_bytes: int = MOST_BYTES
) -> tuple[int, ...]:
    """The smallest shape that holds every event, at least 1 along each axis.

    Args:
      axes: Place of the events along each, by name.
      itemsize: Bytes of an entry.
      max_bytes: Of the tensor.

    Raises:
      ValueError: The tensor would be larger; names the event that lies farthest along each axis.
    """
    ends = [float(np.max(axis, initial=0)) for axis in axes.values()]
    if all(math.isfinite(end) for end in ends):
        shape = tuple(max(1, int(end) + 1) for end in ends)
        if math.prod(shape) * itemsize <= max_bytes:
            return shape
    far = [
        f"{name} {end:g} (event {int(np.argmax(axis)) if len(axis) else 0})"
        for (name, axis), end in zip(axes.items(), ends, strict=True)
    ]
    size = math.prod(end + 1 for end in ends) * itemsize
    raise ValueError(
        f"`dim` is not given, and events as far as {', '.join(far)} ask for a tensor of {size:.3g} "
        f"bytes, expected at most {max_bytes}; give `dim`, or drop the events that lie far off."
    )


def bin_of(time_ms: np.ndarray, sampling_time: float) -> np.ndarray:
    """Number of the bin of each time, float64; infinite where no number is large enough."""
    with np.errstate(over="ignore"):
        return np.round(time_ms / sampling_time)


def place(
    axes: Sequence[np.ndarray], shape: Sequence[int]
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Finds the events inside of ``shape``: their mask, and their index along each axis."""
    inside = np.ones(axes[0].shape, bool)
    for axis, size in zip(axes, shape, strict=True):
        inside &= (axis >= 0) & (axis < size)
    return inside, tuple(axis[inside].astype(np.intp) for axis in axes)


def require_dtype(tensor: np.ndarray, value: float | None, *, add: bool) -> None:
    """Raises ``TypeError`` unless ``tensor`` holds ``value`` (``None``: any payload) and sums."""
    if np.issubdtype(tensor.dtype, np.floating):
        return
    whole = value is not None and value == int(value) and value <= 127
    if tensor.dtype.kind == "b":
        whole = value == 1
    if add or not whole or tensor.dtype.kind not in "biu":
        what = "payloads or sums" if add or value is None else f"events of {value:g}"
        raise TypeError(
            f"`tensor` has dtype {tensor.dtype}, expected a floating-point one for {what}; "
            "fill np.zeros(shape, np.float32)."
        )
