"""Data sets whose samples are recordings of events, and their way into tensors."""

import abc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from jslayer.io import Event, event_batch
from jslayer.io.random import Seed
from jslayer.ops import check
from jslayer.ops.event_batch import Capacity

from .base import Arrays, Dataset, positive_integer


class Binning:
    """Makes a tensor of the ``Event`` of a sample, for ``Loader(transform=...)``.

    Args:
      dim: Shape without time, ``(C, H, W)`` or ``(C, X)``.
      num_steps: Bins ``T``; later events are left out.
      sampling_time: Length of a bin, in milliseconds. A bin with an event becomes
        ``1 / sampling_time``.
      augment: Change of the events before, ``f(event, seed=...)``, such as one made by
        ``io.augment.compose``.
      dtype: Type of the tensor.
      as_events: Make a `jslayer.ops.EventBatch` of one sample instead of a tensor; the loader joins
        them.

    Raises:
      TypeError: A number of something is no integer.
      ValueError: A number is out of range.

    Example:
      >>> sample = Event([1], None, [0], [2.0]), 7
      >>> x, label = Binning((1, 3), 4)(sample, seed=0)
      >>> x.shape, label
      ((1, 3, 4), 7)
    """

    def __init__(
        self,
        dim: Sequence[int],
        num_steps: int,
        *,
        sampling_time: float = 1.0,
        augment: Callable[..., Event] | None = None,
        dtype: DTypeLike = np.float32,
        as_events: bool = False,
    ):
        check.positive("sampling_time", sampling_time)
        self.shape = (*dim, positive_integer("num_steps", num_steps))
        self.sampling_time = sampling_time
        self.augment = augment
        self.dtype = np.dtype(dtype)
        self.as_events = as_events

    def __call__(self, sample: Sequence[Any], *, seed: Seed = None) -> tuple[Any, ...]:
        """Returns the tensor ``[*dim, T]``, or its lists, and the other parts of ``sample``."""
        event, *rest = sample
        if self.augment is not None:
            event = self.augment(event, seed=seed)
        if self.as_events:
            return event_batch([event], self.shape, self.sampling_time), *rest
        tensor = np.zeros(self.shape, self.dtype)
        return event.fill_tensor(tensor, self.sampling_time), *rest


class Recordings(Dataset):
    """A data set of events: ``ds.recording(i) -> (event, label)``, ``ds[i] -> (x, label)``.

    ``x`` is ``[*dim, T]``, ``1 / sampling_time`` in each bin with an event. To change events
    before they are binned, load them and let the loader bin them::

      Loader(ds.events, 32, transform=ds.binning(augment))

    Args:
      dim: Shape without time, ``(C, H, W)`` or ``(C, X)``.
      num_steps: Bins ``T``; later events are left out.
      sampling_time: Length of a bin, in milliseconds.
      dtype: Type of ``x``; ``bool`` takes a quarter of the memory, for a sampling time of 1.
      as_events: Batches hold ``x`` as a `jslayer.ops.EventBatch`, made without the tensor.
      capacity: Room in its lists, as for `jslayer.ops.EventBatch.from_events`. ``None``: as much as
        the largest batch so far needed, rounded up.
    """

    def __init__(
        self,
        dim: Sequence[int],
        num_steps: int,
        sampling_time: float,
        dtype: DTypeLike,
        *,
        as_events: bool = False,
        capacity: Capacity | None = None,
    ):
        self._binning = Binning(
            dim, num_steps, sampling_time=sampling_time, dtype=dtype, as_events=as_events
        )
        self.as_events = as_events
        self.capacity = capacity
        self._room: Capacity = (1, 1)
        self.dim = self._binning.shape[:-1]
        self.num_steps = self._binning.shape[-1]
        self.sampling_time = sampling_time
        self.dtype = self._binning.dtype

    @abc.abstractmethod
    def recording(self, index: int) -> tuple[Event, Any]:
        """Returns the events and the label of a sample, numbered from 0."""

    @property
    def events(self) -> "EventSamples":
        """The samples as ``(Event, label)``, for ``Loader`` with a transform."""
        return EventSamples(self)

    def binning(self, augment: Callable[..., Event] | None = None) -> Binning:
        """Makes the function that bins a sample of ``events`` as this data set does.

        Args:
          augment: Change of the events before, ``f(event, seed=...)``.
        """
        return Binning(
            self.dim,
            self.num_steps,
            sampling_time=self.sampling_time,
            augment=augment,
            dtype=self.dtype,
            as_events=self.as_events,
        )

    def batch(self, indices: Sequence[int] | np.ndarray) -> Arrays:
        """Reads recordings, straight into one array ``[N, *dim, T]`` or lists; and their labels."""
        if self.as_events:
            found = [self.recording(int(index)) for index in indices]
            events = [event for event, _ in found]
            shape = (*self.dim, self.num_steps)
            lists = event_batch(events, shape, self.sampling_time, capacity=self.capacity)
            if self.capacity is None:
                self._room = tuple(map(max, self._room, lists.capacity))
                lists = lists.with_room(self._room)
            return lists, np.stack([label for _, label in found])
        x = np.zeros((len(indices), *self.dim, self.num_steps), self.dtype)
        labels = []
        for sample, index in zip(x, indices, strict=True):
            event, label = self.recording(int(index))
            event.fill_tensor(sample, self.sampling_time)
            labels.append(label)
        return x, np.stack(labels)


class EventSamples:
    """The samples of ``Recordings`` as ``(Event, label)``."""

    def __init__(self, recordings: Recordings):
        self._recordings = recordings

    def __len__(self) -> int:
        return len(self._recordings)

    def __getitem__(self, index: int) -> tuple[Event, Any]:
        """Returns the events and the label of one sample."""
        return self._recordings.recording(self._recordings.number(index))
