"""From recordings to a batch of lists of events, without their tensor."""

from collections.abc import Sequence
from typing import Literal

from jslayer.ops import EventBatch
from jslayer.ops.event_batch import Capacity

from .event import Event


def event_batch(
    events: Sequence[Event],
    dim: Sequence[int],
    sampling_time: float = 1,
    *,
    binning_mode: Literal["OR", "SUM"] = "OR",
    capacity: Capacity | None = None,
) -> EventBatch:
    """Makes a batch of recordings, as `Event.fill_tensor` would fill its tensor.

    Events outside are left out, with that function's warning; a bin with several holds what it
    would hold there. Events are binary for ``"OR"`` and bins of a millisecond, else graded.

    Args:
      events: One set per sample.
      dim: Shape of a sample, ``(C, X, T)`` or ``(C, H, W, T)``.
      sampling_time: Length of a bin, in milliseconds.
      binning_mode: As in `Event.fill_tensor`.
      capacity: Room in the lists, as for `jslayer.ops.EventBatch.from_events`.

    Returns:
      A batch of shape ``(N, *dim)``.

    Raises:
      TypeError: Only some of the sets are graded.
      ValueError: There is no set, an argument is bad, or there is no room.

    Example:
      >>> batch = event_batch([Event([0, 2], None, [0, 0], [0.0, 3.0])], (1, 3, 4))
      >>> batch.shape, int(batch.to_dense().sum())
      ((1, 1, 3, 4), 2)
    """
    places = [
        one.to_places(dim, sampling_time=sampling_time, binning_mode=binning_mode) for one in events
    ]
    return EventBatch.from_events(places, dim, capacity=capacity)
