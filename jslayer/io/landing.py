"""How many events fit into an array, why the others do not, and what is likely to be wrong."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FEW = 16
"""One of so many events must lie in the tensor, time aside, which may be cut."""

FAR = 500
"""So many times the tensor's length, times are likely to be in another unit."""


class Landing(NamedTuple):
    """What becomes of a set of events in a tensor; an event may be outside for several reasons.

    Attributes:
      events: Number of events.
      inside: Those that are written.
      channel: Those whose channel the tensor does not have.
      row: Those whose row it does not have.
      column: Those whose column (or neuron) it does not have.
      early: Those before its first bin.
      late: Those behind its last bin: a recording that is cut is longer.
      cause: What is likely to be wrong, and what to do; empty where nothing is.
    """

    events: int
    inside: int
    channel: int
    row: int
    column: int
    early: int
    late: int
    cause: str

    def warn(self, *, stacklevel: int = 1) -> None:
        """Warns if something is likely to be wrong.

        Args:
          stacklevel: As of `warnings.warn`, for the function that calls this one.
        """
        if not self.cause:
            return
        reasons = {
            "channel": self.channel,
            "row": self.row,
            "column": self.column,
            "time before its start": self.early,
            "time behind its end": self.late,
        }
        outside = ", ".join(f"{number} by {name}" for name, number in reasons.items() if number)
        warnings.warn(
            f"{self.inside} of {self.events} events lie in the tensor, outside are {outside}: "
            f"{self.cause}.",
            UserWarning,
            stacklevel=stacklevel + 1,
        )


def count(axes: Sequence[np.ndarray], shape: Sequence[int]) -> Landing:
    """Counts events by what keeps them out of a tensor.

    Args:
      axes: Channel, row, column, and the bin, if there is one, of each event.
      shape: Size along each.
    """
    low = [axis < 0 for axis in axes]
    high = [axis >= size for axis, size in zip(axes, shape, strict=True)]
    channel, row, column = (low[k] | high[k] for k in range(3))
    placed = ~(channel | row | column)
    early, late = (low[3], high[3]) if len(axes) > 3 else (np.zeros_like(placed),) * 2
    inside = placed & ~early & ~late
    parts = (inside, channel, row, column, early, late)
    found = Landing._make([len(placed), *(int(np.sum(part)) for part in parts), ""])
    if found.inside == found.events:
        return found
    return found._replace(cause=_cause(axes, shape, placed, found))


def _cause(axes, shape, placed, found):
    events, inside, by_channel, by_row, by_column, _, late, _ = found
    channel, row, column = axes[:3]
    few = int(placed.sum()) * FEW < events
    if by_channel and channel.min() == 1 and channel.max() == shape[0]:
        return "channels seem to count from 1; use Event(..., shift_channel=True)"
    swapped = (row < shape[2]) & (column < shape[1]) & (row >= 0) & (column >= 0)
    if (by_row or by_column) and shape[1] > 1 and swapped.all():
        return "x and y seem to be swapped; x is the column, y the row, a tensor [C, H, W, T]"
    if few and by_channel * FEW > events * (FEW - 1):
        return (
            f"channels run from {channel.min()} to {channel.max()}, those of the tensor from 0 to "
            f"{shape[0] - 1}; use Event(..., shift_channel=True) or a tensor with more channels"
        )
    if few:
        return (
            f"x runs from {column.min()} to {column.max()}, y from {row.min()} to {row.max()}, in "
            f"a tensor of {shape[1]} rows and {shape[2]} columns; use a larger one, or shift or "
            "crop the events"
        )
    if len(axes) == 3 or inside * FEW >= events:
        return ""
    time = axes[3]
    if late and time.max() >= FAR * shape[3]:
        return (
            f"times reach bin {time.max():.9g} of {shape[3]}; they are in milliseconds, so divide "
            "microseconds by 1000, or cut long recordings by io.slice_time"
        )
    if not inside:
        return (
            f"bins run from {time.min():.9g} to {time.max():.9g} in a tensor of {shape[3]}; cut "
            "the recording by io.slice_time, which lets time begin at 0"
        )
    return ""
