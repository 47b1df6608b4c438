"""Events as a value: a batch of recordings as lists of addresses, a hundredth of their tensor."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.ops import check
from jslayer.ops.event_lists import PIECE, Lists, filled

Capacity = tuple[int, int]
"""Most events of one sample in one step, and most of one sample in all."""

Recording = Sequence[Any]
"""Arrays of a sample, one entry an event: ``(t, c, y, x)`` for images, ``(t, c, x)`` or ``(t, c)``;
graded events have their values behind."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class EventBatch:
    """Recordings ``[N, C(, H, W), T]`` as lists of what is not zero.

    A pytree whose arrays all have the samples first. Make one with `from_events`, `from_dense`, or
    `jslayer.io.event_batch`. A network takes it where it takes the tensor; to a `Dense` block,
    alone or behind `Flatten`, no zero is multiplied. Several events of one sample, place and step
    are one event, as in a tensor of zeros and ones; graded events add their values, and those that
    add up to zero are none. Values are data: no gradient flows to them.

    Attributes:
      lists: The events; see `jslayer.ops.event_lists.Lists`.
      dims: ``(C,)``, ``(C, X)`` or ``(C, H, W)``.

    Example:
      >>> batch = EventBatch.from_events([([0, 2], [1, 0]), ([1], [1])], (2, 3))
      >>> batch.shape
      (2, 2, 3)
      >>> batch.to_dense().astype(int)
      Array([[[0, 0, 1],
              [1, 0, 0]],
      <BLANKLINE>
             [[0, 0, 0],
              [0, 1, 0]]], dtype=int32)
    """

    lists: Lists
    dims: tuple[int, ...] = dataclasses.field(metadata={"static": True})

    @classmethod
    def from_events(
        cls,
        recordings: Sequence[Recording],
        shape: Sequence[int],
        *,
        capacity: Capacity | None = None,
    ) -> "EventBatch":
        """Makes a batch of lists of events, on the host, without the tensor.

        Args:
          recordings: One per sample: arrays ``(t, c, y, x)`` for images, ``(t, c, x)`` or
            ``(t, c)``, whole numbers from 0 on in any order, ``t`` in steps; graded events have an
            array more, their values. One without events holds empty arrays.
          shape: ``(C, H, W, T)``, ``(C, X, T)`` or ``(C, T)``.
          capacity: Room in the lists: most events of one sample in one step, and most of one sample
            in all. ``None``: what is needed, rounded up, so that batches have few shapes and
            little is compiled again; give it, and there is one.

        Returns:
          The batch; its arrays are NumPy's.

        Raises:
          TypeError: events are no whole numbers, or only some recordings are graded.
          ValueError: there is no sample, an event lies outside of ``shape``, recordings have
            other arrays than ``shape`` has axes, a value is not finite, or there is no room.
        """
        *dims, steps = _checked_shape(shape)
        if not len(recordings):
            raise ValueError("`recordings` is empty, expected at least 1; leave empty batches out.")
        graded = len(recordings[0]) == len(dims) + 2
        found = [
            _listed(f"recordings[{n}]", given, tuple(dims), steps, graded)
            for n, given in enumerate(recordings)
        ]
        return cls(_packed(found, math.prod(dims), steps, capacity), tuple(dims))

    @classmethod
    def from_dense(cls, x: Any, *, capacity: Capacity | None = None) -> "EventBatch":
        """Makes a batch of what is not zero in a tensor.

        Args:
          x: ``[N, C(, H, W), T]``; booleans are events, numbers are graded ones unless all that
            are not zero are 1.
          capacity: As for `from_events`.

        Raises:
          TypeError: ``x`` is traced or complex.
          ValueError: ``x`` has the wrong rank, is empty, holds NaN, or there is no room.
        """
        check.rank("x", x, at_least=3, at_most=5, layout="N, C(, H, W), T")
        if not check.is_concrete(x):
            raise TypeError(
                "`x` is traced, expected an array that holds numbers, as the lists' lengths depend "
                "on it; make the batch outside of `jit`."
            )
        check.samples("x", x)
        check.no_nan("x", x)
        if jnp.iscomplexobj(x):
            raise TypeError(
                "`x` is complex, expected real numbers or booleans; make a batch of one part of it."
            )
        x = np.asarray(x)
        graded = x.dtype != np.bool_ and bool(((x != 0) & (x != 1)).any())
        recordings = []
        for sample in x:
            *places, step = np.nonzero(sample)
            value = (sample[(*places, step)],) if graded else ()
            recordings.append((step, *places, *value))
        return cls.from_events(recordings, x.shape[1:], capacity=capacity)

    @classmethod
    def join(
        cls, batches: Sequence["EventBatch"], *, capacity: Capacity | None = None
    ) -> "EventBatch":
        """Makes one batch of the samples of several, on the host.

        Args:
          batches: Of the same places and steps, all graded or none.
          capacity: As for `from_events`.

        Raises:
          TypeError: only some are graded.
          ValueError: there are none, they differ in shape, or there is no room.
        """
        if not batches:
            raise ValueError("`batches` is empty, expected at least 1; leave empty batches out.")
        first = batches[0]
        for other in batches:
            if other.shape[1:] != first.shape[1:] or other.dtype != first.dtype:
                error = ValueError if other.dtype == first.dtype else TypeError
                raise error(
                    f"`batches` have samples {first.shape[1:]} of {first.dtype} and "
                    f"{other.shape[1:]} of {other.dtype}, expected the same; bin them alike."
                )
        size = math.prod(first.dims)
        found = [one for batch in batches for one in batch.lists.samples_of(size)]
        return cls(_packed(found, size, first.lists.steps, capacity), first.dims)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(N, C(, H, W), T)``, that of the tensor."""
        return (self.lists.samples, *self.dims, self.lists.steps)

    @property
    def ndim(self) -> int:
        """Number of axes of the tensor."""
        return len(self.dims) + 2

    @property
    def dtype(self) -> Any:
        """Of the tensor: booleans, or float32 for graded events."""
        return jnp.dtype(jnp.bool_ if self.lists.value is None else jnp.float32)

    @property
    def capacity(self) -> Capacity:
        """Most events of one sample in one step, and most of one sample in all, that have room."""
        return (self.lists.rows.shape[-1], self.lists.address.shape[-1])

    def events(self) -> jax.Array:
        """Number of events of every sample, ``[N]`` int32."""
        return jnp.sum(self.lists.used, axis=-1, dtype=jnp.int32)

    def to_dense(self) -> jax.Array:
        """The tensor ``[N, C(, H, W), T]``, booleans, or float32 for graded events."""
        size = math.prod(self.dims)
        return filled(self.lists, size, time_first=False).reshape(self.shape)

    def with_room(self, capacity: Capacity) -> "EventBatch":
        """The same events in lists of at least that `capacity`, on the host.

        Args:
          capacity: Most events of one sample in one step, and most of one sample in all.
        """
        size = math.prod(self.dims)
        in_step, in_all = (
            max(0, new - old) for new, old in zip(capacity, self.capacity, strict=True)
        )
        in_all += -in_all % PIECE

        def longer(array, more, filling):
            if array is None or not more:
                return array
            return np.pad(
                array, [*((0, 0),) * (array.ndim - 1), (0, more)], constant_values=filling
            )

        lists = self.lists
        return EventBatch(
            Lists(
                longer(lists.rows, in_step, size),
                lists.used,
                longer(lists.address, in_all, size),
                longer(lists.step, in_all, 0),
                longer(lists.row_value, in_step, 0),
                longer(lists.value, in_all, 0),
            ),
            self.dims,
        )

    def flat(self) -> "EventBatch":
        """The same events with one axis of places, the channel slowest: ``[N, C * H * W, T]``."""
        return EventBatch(self.lists, (math.prod(self.dims),))

    def __repr__(self) -> str:
        return f"EventBatch(shape={self.shape}, dtype={self.dtype}, capacity={self.capacity})"

    def __len__(self) -> int:
        """Number of samples."""
        return self.lists.samples

    def __getitem__(self, chosen: Any) -> "EventBatch":
        """Some of the samples, ``batch[2:4]``, or of the steps, ``batch[..., 10:20]``.

        Raises:
          TypeError: it is cut in another way.
          ValueError: nothing is left, or steps are left out between others.
        """
        if isinstance(chosen, slice):
            cut = jax.tree.map(lambda leaf: leaf[chosen], self)
            check.samples("batch", cut)
            return cut
        if not (
            isinstance(chosen, tuple)
            and len(chosen) == 2
            and chosen[0] is Ellipsis
            and isinstance(chosen[1], slice)
        ):
            raise TypeError(
                f"a batch of events is cut by {chosen!r}, expected samples, batch[a:b], or steps, "
                "batch[..., a:b]; for anything else use `batch.to_dense()`."
            )
        start, stop, stride = chosen[1].indices(self.lists.steps)
        if stride != 1 or stop <= start:
            raise ValueError(
                f"a batch of {self.lists.steps} steps is cut from {start} to {stop} by {stride}, "
                "expected at least one step and a stride of 1; choose others."
            )
        return EventBatch(self.lists.between(start, stop, math.prod(self.dims)), self.dims)


def dense(x: Any) -> Any:
    """``x``, or the tensor of a batch of events."""
    return x.to_dense() if isinstance(x, EventBatch) else x


def _checked_shape(shape):
    sizes = tuple(shape)
    if not 2 <= len(sizes) <= 4 or any(int(size) != size or size < 1 for size in sizes):
        raise ValueError(
            f"`shape` is {sizes}, expected (C, T), (C, X, T) or (C, H, W, T) of at least 1 each; "
            "give sizes."
        )
    return tuple(int(size) for size in sizes)


_AXES = {1: ("t", "c"), 2: ("t", "c", "x"), 3: ("t", "c", "y", "x")}


def _listed(name, given, dims, steps, graded):
    """Steps, addresses and values of a recording, in the order of time, every place once."""
    axes = _AXES[len(dims)]
    expected = axes + (("value",) if graded else ())
    if len(given) != len(expected):
        other = "" if len(given) != len(axes) + (not graded) else ", as the first recording"
        raise (TypeError if other else ValueError)(
            f"`{name}` has {len(given)} arrays, expected {len(expected)} ({', '.join(expected)})"
            f"{other}; give one per axis, and values for all recordings or none."
        )
    arrays = [np.asarray(array) for array in given]
    length = arrays[0].shape
    if len(length) != 1 or any(array.shape != length for array in arrays):
        raise ValueError(
            f"`{name}` has arrays of shapes {[array.shape for array in arrays]}, expected "
            "[events] each; give one entry per event."
        )
    places = []
    for axis, array, size in zip(axes, arrays, (steps, *dims), strict=False):
        if array.size and not np.issubdtype(array.dtype, np.integer):
            raise TypeError(
                f"`{axis}` of {name} has dtype {array.dtype}, expected whole numbers; round times "
                "to steps."
            )
        outside = (array < 0) | (array >= size)
        if outside.any():
            first = int(np.argmax(outside))
            raise ValueError(
                f"`{axis}` of {name} is {array[first]} at event {first}, expected 0 to {size - 1}; "
                "leave out events that lie outside, or change `shape`."
            )
        places.append(array.astype(np.int64))
    step, *place = places
    address = np.ravel_multi_index(place, dims) if step.size else step
    key = step * math.prod(dims) + address
    if not graded:
        key = np.sort(key, kind="stable")  # fast for events that are nearly in order
        again = np.zeros(key.shape, bool)
        again[1:] = key[1:] == key[:-1]
        return *np.divmod(key[~again], math.prod(dims)), None
    value = arrays[-1].astype(np.float32)
    if not np.isfinite(value).all():
        raise ValueError(
            f"`value` of {name} holds NaN or infinity, expected finite numbers; leave those out."
        )
    key, back = np.unique(key, return_inverse=True)
    total = np.zeros(key.shape, np.float32)
    np.add.at(total, back, value)
    some = total != 0
    return *np.divmod(key[some], math.prod(dims)), total[some]


def _packed(found, size, steps, capacity):
    """`Lists` of one `_listed` per sample."""
    counts = np.stack([np.bincount(step, minlength=steps) for step, _, _ in found])
    needed = (int(counts.max()), int(counts.sum(axis=1).max()))
    most = tuple(_rounded(number) for number in needed) if capacity is None else capacity
    for number, room, what in zip(needed, most, ("one step", "all"), strict=True):
        if number > room:
            sample = int(np.argmax(counts.max(axis=1) if what == "one step" else counts.sum(1)))
            raise ValueError(
                f"`capacity` is {tuple(most)} and sample {sample} has {number} events in {what}, "
                f"expected at most {room}; ask for more, or pass the dense tensor for this batch."
            )
    per_row, per_sample = int(most[0]), -(-int(most[1]) // PIECE) * PIECE
    narrow = max(size, steps) < 2**15
    whole = np.int16 if narrow else np.int32
    samples = len(found)
    rows = np.full((samples, steps, per_row), size, whole)
    address = np.full((samples, per_sample), size, whole)
    step_of = np.zeros((samples, per_sample), whole)
    graded = found[0][2] is not None
    row_value = np.zeros(rows.shape, np.float32) if graded else None
    value = np.zeros(address.shape, np.float32) if graded else None
    for n, (step, place, own) in enumerate(found):
        rank = np.arange(len(step)) - np.repeat(np.cumsum(counts[n]) - counts[n], counts[n])
        rows[n, step, rank] = place
        address[n, : len(step)] = place
        step_of[n, : len(step)] = step
        if graded:
            row_value[n, step, rank] = own
            value[n, : len(step)] = own
    return Lists(rows, counts.astype(np.int32), address, step_of, row_value, value)


def _rounded(number):
    """The next power of two, at least 4."""
    return 2 ** max(2, math.ceil(math.log2(max(number, 1))))
