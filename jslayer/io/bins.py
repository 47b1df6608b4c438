"""Where events lie in a tensor of bins, and whether the tensor can hold them."""

from collections.abc import Sequence

import numpy as np


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
