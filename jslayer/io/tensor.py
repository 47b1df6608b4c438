"""From a tensor of time bins back to events."""

from typing import Any

import numpy as np

from jslayer.ops import check

from .event import Event


def tensor_to_event(tensor: Any, sampling_time: float = 1) -> Event:
    """Lists the non-zero entries of ``tensor`` as events.

    ``t = bin * sampling_time``, ``p = value * sampling_time``. The events are in the order of the
    tensor: channel, row, column, time, with time the fastest.

    Args:
      tensor: ``[C, X, T]`` or ``[C, H, W, T]``; NumPy, or whatever ``np.asarray`` takes.
      sampling_time: Length of a bin, in milliseconds.

    Returns:
      A 1-d or 2-d set. It is binary (``p`` is ``None``) if every payload is 1, within 1e-6 summed
      over all. ``Event.to_tensor`` is the inverse for binary sets, and for a sampling time of 1.

    Raises:
      ValueError: Another number of axes, NaN or infinity, or a bad ``sampling_time``.
      TypeError: ``tensor`` does not hold real numbers.

    Example:
      >>> tensor_to_event(np.array([[[0, 1, 0, 1]]])).t
      array([1., 3.])
    """
    check.positive("sampling_time", sampling_time)
    array = np.asarray(tensor)
    if array.ndim not in (3, 4):
        raise ValueError(
            f"`tensor` has shape {array.shape}, expected [C, X, T] or [C, H, W, T]; "
            "give one sample of a batch."
        )
    index = np.nonzero(array)
    # In the tensor's own precision: 3 * float32(1 / 3) is 1 there, and off by 3e-8 in float64.
    payload = array[index] * sampling_time
    binary = payload.dtype.kind != "c" and bool(np.abs(payload - 1.0).sum(dtype=np.float64) < 1e-6)
    channel, *row, column, step = index
    return Event(
        column,
        row[0] if row else None,
        channel,
        step * sampling_time,
        None if binary else payload,
        shift_channel=False,
    )
