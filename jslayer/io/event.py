"""A set of events, and how it becomes a tensor of time bins."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from jslayer.ops import check

from . import bins
from .landing import Landing, count
from .random import Seed, generator

BinningMode = Literal["OR", "SUM", "LAST"]


class Event:
    """Events of a camera or of a population of neurons: where, which channel, when, how large.

    Args:
      x: ``[events]``. Column of a pixel, or neuron id. Fractions are cut off.
      y: ``[events]``, or ``None`` for a 1-d set. Row of a pixel, 0 at the top.
      c: ``[events]``. Channel; for a camera the polarity, 0 OFF and 1 ON.
      t: ``[events]``, in milliseconds. Any order.
      p: ``[events]``, or ``None`` for binary events. Payload of graded events.
      shift_channel: Move the channels so that the smallest is 0, for channels counted from
        elsewhere (-1 and 1 become 0 and 2). lava-dl always does this, and so turns a recording
        of ON events alone into OFF events. ``None``: ``c`` stays as it is; tensors made of a 1-d
        set, whose channel is no polarity, count from its smallest one, as in lava-dl, also those
        of parts of the set. ``False``: tensors have the channels of ``c`` too.

    Attributes:
      x: ``[events]`` int64.
      y: ``[events]`` int64, or ``None``.
      c: ``[events]`` int64.
      t: ``[events]`` float64, in milliseconds.
      p: ``[events]`` float64, or ``None``.

    All are copies; the caller's arrays are never edited. There may be no events at all.

    Raises:
      ValueError: An argument is not 1-d, is not finite, or has another length than ``t``.
      TypeError: An argument does not hold real numbers.

    Example:
      >>> event = Event([0, 2], None, [0, 0], [0.0, 3.0])
      >>> event.to_tensor()
      array([[[1., 0., 0., 0.],
              [0., 0., 0., 0.],
              [0., 0., 0., 1.]]])
    """

    def __init__(
        self,
        x: ArrayLike,
        y: ArrayLike | None,
        c: ArrayLike,
        t: ArrayLike,
        p: ArrayLike | None = None,
        *,
        shift_channel: bool | None = None,
    ):
        self.t = _numbers("t", t).astype(np.float64)
        self.x = _coordinates("x", x)
        self.y = None if y is None else _coordinates("y", y)
        self.c = _coordinates("c", c)
        self.p = None if p is None else _numbers("p", p).astype(np.float64)
        self._check_lengths()
        if shift_channel and self.c.size:
            self.c = self.c - self.c.min()
        self._moves = shift_channel is None and self.y is None
        self._first_channel = int(self.c.min()) if self._moves and self.c.size else 0

    @property
    def num_dims(self) -> int:
        """1 for ids, 2 for pixels."""
        return 1 if self.y is None else 2

    def __len__(self) -> int:
        return len(self.t)

    def __getitem__(self, chosen: slice | np.ndarray | Sequence[int]) -> "Event":
        """Takes some of the events, as a new set.

        Args:
          chosen: Slice, mask ``[events]`` bool, or numbers of events.

        Raises:
          TypeError: ``chosen`` is a single number.

        Example:
          >>> event = Event([0, 2], None, [0, 0], [0.0, 3.0])
          >>> event[event.t > 1].x
          array([2])
        """
        if np.ndim(chosen) == 0 and not isinstance(chosen, slice):
            raise TypeError(
                f"`chosen` is {chosen!r}, expected a slice, a mask or several numbers, for the "
                "result is a set; write event[i : i + 1] for one event."
            )
        chosen = chosen if isinstance(chosen, slice) else np.asarray(chosen)
        if not isinstance(chosen, slice) and not chosen.size:
            chosen = chosen.astype(np.intp if chosen.dtype != bool else bool)
        arrays = {k: a[chosen] for k in "xyctp" if (a := getattr(self, k)) is not None}
        found = self.replace(**arrays)
        found._first_channel = self._first_channel
        return found

    def replace(self, **changes: ArrayLike | None) -> "Event":
        """Makes a new set with some of the arrays replaced; ``event`` itself stays as it is.

        Args:
          **changes: New arrays for any of ``x``, ``y``, ``c``, ``t`` and ``p``.
        """
        arrays = {k: getattr(self, k) for k in "xyctp"} | changes
        found = Event(**arrays, shift_channel=None if self._moves else False)
        if "c" not in changes:
            found._first_channel = self._first_channel if found.y is None else 0
        return found

    def __repr__(self) -> str:
        span = f"{self.t.min():g} to {self.t.max():g} ms" if len(self) else "empty"
        graded = "" if self.p is None else ", graded"
        return f"Event({len(self)} events, {self.num_dims}-d, {span}{graded})"

    def fill_tensor(
        self,
        tensor: np.ndarray,
        sampling_time: float = 1,
        random_shift: bool = False,
        binning_mode: BinningMode = "OR",
        *,
        seed: Seed = None,
    ) -> np.ndarray:
        """Writes the events into ``tensor``, in place.

        ``bin = round(t / sampling_time)``, halves to the even bin. Events outside of the tensor
        (channel, place or bin) are left out; `landing` counts them. Where none or few land, because
        of their channel, place or unit of time, a ``UserWarning`` says what is likely to be wrong.

        Args:
          tensor: ``[C, H, W, T]``; for a 1-d set ``[C, 1, X, T]`` or ``[C, X, T]``. Real.
          sampling_time: Length of a bin, in milliseconds.
          random_shift: Start at a random bin of a recording that is longer than the tensor, so
            that the tensor is a random window of it. One that fits is not moved.
          binning_mode: ``"OR"``: a bin with events becomes ``1 / sampling_time``. ``"SUM"``: each
            event adds that much. Graded events add their payload in both. ``"LAST"``: the last
            event of a bin in the order given counts, graded or not, as in lava-dl.
          seed: For ``random_shift``: integer, sequence of integers or NumPy generator.

        Returns:
          ``tensor`` itself.

        Raises:
          TypeError: ``tensor`` is no NumPy array, or its dtype cannot hold what is written.
          ValueError: Another number of axes, a bad ``sampling_time`` or ``binning_mode``, or the
            attributes were replaced by arrays of different length.

        Example:
          >>> event = Event([1, 1], None, [0, 0], [0.2, 0.4])
          >>> event.fill_tensor(np.zeros((1, 2, 2)), binning_mode="SUM")
          array([[[0., 0.],
                  [2., 0.]]])
        """
        check.positive("sampling_time", sampling_time)
        check.choice("binning_mode", binning_mode, ("OR", "SUM", "LAST"))
        self._check_lengths()
        field = bins.field(tensor, self.num_dims)
        channel, row, column, time = self._places(sampling_time)
        if random_shift and len(self):
            surplus = max(0, int(min(time.max(), 2.0**62)) + 1 - field.shape[-1])
            time = time - generator(seed).integers(0, surplus, endpoint=True)
        inside, place = bins.place((channel, row, column, time), field.shape)
        if not inside.all():
            count((channel, row, column, time), field.shape).warn(stacklevel=2)
        add = binning_mode == "SUM" or (self.p is not None and binning_mode == "OR")
        if self.p is None:
            bins.require_dtype(field, 1 / sampling_time, add=add)
            value: Any = 1 / sampling_time
        else:
            bins.require_dtype(field, None, add=add)
            value = self.p[inside].astype(field.dtype)
        if add:
            np.add.at(field, place, value)
        else:
            field[place] = value  # NumPy promises that the last of several wins
        return tensor

    def landing(self, dim: Sequence[int], sampling_time: float = 1) -> Landing:
        """Counts the events that fit into a tensor, and why the others do not.

        Args:
          dim: Shape, ``(C, X, T)``, ``(C, 1, X, T)`` or ``(C, H, W, T)``.
          sampling_time: Length of a bin, in milliseconds.

        Returns:
          What `fill_tensor` would write and leave out.

        Example:
          >>> Event([0, 5], None, [0, 0], [0.0, 3.0]).landing((1, 3, 10)).column
          1
        """
        check.positive("sampling_time", sampling_time)
        field = bins.field(np.broadcast_to(np.zeros(()), tuple(dim)), self.num_dims)
        return count(self._places(sampling_time), field.shape)

    def _places(self, sampling_time: float) -> tuple[np.ndarray, ...]:
        """Channel, row, column and bin of each event."""
        channel = self.c
        # what was a smallest channel once need not be that of a `c` set since
        if self._first_channel and self.c.size:
            channel = self.c - min(self._first_channel, int(self.c.min()))
        row = np.zeros_like(self.x) if self.y is None else self.y
        return channel, row, self.x, bins.bin_of(self.t, sampling_time)

    def to_tensor(
        self,
        sampling_time: float = 1,
        dim: Sequence[int] | None = None,
        *,
        binning_mode: BinningMode = "OR",
        dtype: DTypeLike = np.float64,
        max_bytes: int = bins.MOST_BYTES,
    ) -> np.ndarray:
        """Makes a tensor of the events; see ``fill_tensor``.

        Args:
          sampling_time: Length of a bin, in milliseconds.
          dim: Shape, ``(C, X, T)`` or ``(C, H, W, T)``. Without it, the smallest that holds every
            event, at least 1 along each axis.
          binning_mode: As in ``fill_tensor``.
          dtype: Of the result.
          max_bytes: Largest tensor without ``dim``, for a single event may lie far off.

        Returns:
          ``[C, X, T]`` for a 1-d set, ``[C, H, W, T]`` for a 2-d set.

        Raises:
          ValueError: ``dim`` has another number of axes than the events, an argument is bad, or
            without ``dim`` an event lies so far off that the tensor would be larger.
        """
        check.positive("sampling_time", sampling_time)
        if dim is None:
            self._check_lengths()
            channel, row, column, time = self._places(sampling_time)
            rows = {} if self.y is None else {"y": row}
            axes = {"c": channel, **rows, "x": column, "bin": time}
            dim = bins.enclosing(axes, np.dtype(dtype).itemsize, max_bytes)
        elif len(dim) != self.num_dims + 2:
            layout = "(C, X, T)" if self.y is None else "(C, H, W, T)"
            raise ValueError(
                f"`dim` is {tuple(dim)}, expected {layout} for a {self.num_dims}-d event set; "
                "give one size per axis."
            )
        return self.fill_tensor(np.zeros(dim, dtype), sampling_time, binning_mode=binning_mode)

    def to_places(
        self,
        dim: Sequence[int],
        sampling_time: float = 1,
        *,
        binning_mode: Literal["OR", "SUM"] = "OR",
    ) -> tuple[np.ndarray, ...]:
        """Finds where `fill_tensor` would write, without the tensor; see `event_batch`.

        Args:
          dim: Shape of the tensor, ``(C, X, T)`` or ``(C, H, W, T)``.
          sampling_time: Length of a bin, in milliseconds.
          binning_mode: As in ``fill_tensor``.

        Returns:
          Arrays ``(t, c, x)`` or ``(t, c, y, x)`` of the events inside; and behind them, unless all
          that is written is 1, numbers that add up to what is.

        Raises:
          ValueError: An argument is bad.

        Example:
          >>> Event([1, 1], None, [0, 0], [0.2, 0.4]).to_places((1, 2, 2))
          (array([0, 0]), array([0, 0]), array([1, 1]))
        """
        check.positive("sampling_time", sampling_time)
        check.choice("binning_mode", binning_mode, ("OR", "SUM"))
        if len(dim) != self.num_dims + 2:
            raise ValueError(
                f"`dim` is {tuple(dim)}, expected one size per axis and time for a "
                f"{self.num_dims}-d event set; give as many."
            )
        self._check_lengths()
        places = self._places(sampling_time)
        shape = tuple(dim) if self.num_dims == 2 else (dim[0], 1, *dim[1:])
        inside, (channel, row, column, time) = bins.place(places, shape)
        if not inside.all():
            count(places, shape).warn(stacklevel=2)
        found = (time, channel, column) if self.y is None else (time, channel, row, column)
        if self.p is not None:
            return *found, self.p[inside]
        if binning_mode == "OR" and sampling_time == 1:
            return found
        if binning_mode == "OR":
            key = np.ravel_multi_index((time, channel, row, column), (shape[3], *shape[:3]))
            first = np.unique(key, return_index=True)[1]
            found = tuple(axis[first] for axis in found)
        return *found, np.full(len(found[0]), 1 / sampling_time)

    def anim(
        self,
        fig: Any = None,
        frame_rate: float = 24,
        pre_compute_frames: bool = True,
        repeat: bool = True,
    ) -> Any:
        """A player of the events for a notebook, as `jslayer.io.animate` draws them.

        Args:
          fig: Lava-dl's; not used, as no window is opened.
          frame_rate: Frames shown per second.
          pre_compute_frames: Lava-dl's; not used, as frames always are.
          repeat: Lava-dl's; not used, as the player has a button for it.

        Returns:
          A `jslayer.io.Player`.

        Raises:
          ImportError: matplotlib or Pillow is not installed.
        """
        from .animation import animate
        from .player import Player

        del fig, pre_compute_frames, repeat
        return Player(animate(self, frame_rate=frame_rate), frame_rate=frame_rate)

    def show(
        self,
        fig: Any = None,
        frame_rate: float = 24,
        pre_compute_frames: bool = True,
        repeat: bool = False,
    ) -> Any:
        """As `anim`: a notebook shows what a cell returns."""
        return self.anim(fig, frame_rate, pre_compute_frames, repeat)

    def _check_lengths(self) -> None:
        for name in "xycp":
            array = getattr(self, name)
            if array is not None and np.shape(array) != np.shape(self.t):
                raise ValueError(
                    f"`{name}` has shape {np.shape(array)}, expected {np.shape(self.t)} as `t`; "
                    "give one entry per event."
                )


def _numbers(name: str, value: ArrayLike) -> np.ndarray:
    array = np.asarray(value)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool) or (
        np.issubdtype(array.dtype, np.complexfloating)
    ):
        raise TypeError(
            f"`{name}` has dtype {array.dtype}, expected real numbers; convert the array first."
        )
    if array.ndim != 1:
        raise ValueError(
            f"`{name}` has shape {array.shape}, expected [events]; flatten it to one axis."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` holds NaN or infinity, expected finite numbers; drop those events."
        )
    return array


def _coordinates(name: str, value: ArrayLike) -> np.ndarray:
    array = _numbers(name, value)
    if array.size and np.abs(array.astype(np.float64)).max() >= 2.0**62:
        raise ValueError(
            f"`{name}` reaches beyond 2**62, expected coordinates; check the arguments' order."
        )
    return array.astype(np.int64)
