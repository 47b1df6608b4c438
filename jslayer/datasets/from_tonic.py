"""Data sets of the package ``tonic``, which is not needed by anything here."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from jslayer.io import Event

from .order import Samples
from .recordings import Recordings


def from_tonic(
    dataset: Samples,
    *,
    num_steps: int,
    sampling_time: float = 1.0,
    dim: Sequence[int] | None = None,
    dtype: DTypeLike = np.float32,
    as_events: bool = False,
) -> Recordings:
    """Makes a data set of one of ``tonic``, or of anything that looks like it.

    Args:
      dataset: ``dataset[i] -> (events, target)``, where ``events`` is a structured array with the
        fields ``x``, ``t`` in microseconds, ``p`` and, for a camera, ``y``. ``p`` above 0 is ON.
        Build it without ``transform``.
      num_steps: Bins ``T``; later events are left out.
      sampling_time: Length of a bin, in milliseconds.
      dim: Shape without time, ``(C, H, W)``, or ``(C, X)`` for events without ``y``. Without it,
        that of ``dataset.sensor_size``, which is (width, height, channels).
      dtype: Type of ``x``.
      as_events: Batches hold ``x`` as a `jslayer.ops.EventBatch`, made without the tensor.

    Returns:
      ``ds[i] -> (x, target)`` with ``x`` ``[*dim, T]``; whole targets are int32, others float32.

    Raises:
      ValueError: ``dim`` is needed, for the data set tells no sensor size; or an argument is bad.
      TypeError: A sample is no structured array with these fields (when it is read).

    Example::

      digits = from_tonic(tonic.datasets.NMNIST("data"), num_steps=300)
    """
    if dim is None:
        size = getattr(dataset, "sensor_size", None)
        if size is None or len(size) != 3:
            raise ValueError(
                f"`dim` is None and `dataset.sensor_size` is {size}, expected one of them to tell "
                "the shape; pass dim=(C, H, W), or (C, X) for events without y."
            )
        width, height, channels = size
        dim = (channels, width) if height == 1 else (channels, height, width)
    return _Tonic(dataset, dim, num_steps, sampling_time, dtype, as_events)


class _Tonic(Recordings):
    def __init__(self, dataset, dim, num_steps, sampling_time, dtype, as_events):
        super().__init__(dim, num_steps, sampling_time, dtype, as_events=as_events)
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def recording(self, index: int) -> tuple[Event, Any]:
        """Returns the events and the target of a sample."""
        events, target = self._dataset[index]
        names = getattr(getattr(events, "dtype", None), "names", None) or ()
        flat = len(self.dim) == 2
        if missing := [n for n in ("x", "t", "p", "y")[: 3 if flat else 4] if n not in names]:
            raise TypeError(
                f"`dataset[{index}]` has events of type {type(events).__name__} with the fields "
                f"{list(names)}, expected also {missing}; build the data set without a transform."
            )
        # A single channel is channel 0, whatever the recording calls it.
        channel = np.zeros(len(events)) if self.dim[0] == 1 else events["p"] > 0
        row = None if flat else events["y"]
        return Event(events["x"], row, channel, events["t"] / 1000), _target(target)


def _target(target: Any) -> Any:
    array = np.asarray(target)
    return array.astype(np.int32 if array.dtype.kind in "biu" else np.float32)[()]
