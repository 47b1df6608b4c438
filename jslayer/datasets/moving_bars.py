"""Moving bars: tell the direction in which a bar sweeps over an event camera."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from jslayer.ops import EventBatch, check
from jslayer.ops.event_batch import Capacity

from .bar_camera import Bars, half_extent, watch
from .base import Dataset, in_chunks, positive_integer, probability

_CHUNK = 128  # samples simulated together; part of what fixes the random numbers
_MARGIN = 1.5  # pixels: the blurred edge, and one step of rest before and after

Range = tuple[float, float]


class MovingBars(Dataset):
    """A bright or dark bar crosses the whole field in one of eight directions.

    ``ds[i] -> (x, label)``: ``x`` is ``[2, size, size, T]`` float32 of 0 and 1 (OFF and ON, row,
    column, step). ``label`` is int32, 0 to 7: the bar moves at ``45 * label`` degrees from the x
    axis (to the right) towards the y axis (down, as rows are counted).

    Bars differ in speed, start, brightness and width; pixels fire by mistake or miss an event.
    Each bar starts and ends outside of the field, so that two opposite directions give the same
    number of events everywhere: only the order of events tells them apart. Needs no file.

    Args:
      num_samples: How many. The first ones stay the same when there are more.
      train: Random numbers of the training set, otherwise those of the test set.
      seed: An integer or several.
      size: Height and width, in pixels.
      num_steps: Time steps ``T``; enough for the slowest bar to cross the diagonal.
      speed: Least and largest, in pixels per step.
      contrast: Least and largest size of the logarithm of the bar's brightness over the
        background's. Half of the bars are darker than the background.
      width: Least and largest, in pixels.
      threshold: Change of log intensity that makes a pixel fire.
      noise: Probability of an event by mistake, for each pixel, polarity and step.
      drop: Probability that an event is missing.
      dtype: Type of ``x``; ``bool`` takes a quarter of the memory.
      as_events: Batches hold ``x`` as a `jslayer.ops.EventBatch`, made without the tensor; all have
        one capacity.

    Attributes:
      labels: ``[len(ds)]`` int32.
      classes: Names of the directions.

    Raises:
      TypeError: A number of something is no integer.
      ValueError: An argument is out of range, or a slow bar would not cross the field in time.

    Example:
      >>> x, label = MovingBars(8)[0]
      >>> x.shape, x.dtype
      ((2, 16, 16, 64), dtype('float32'))
    """

    classes = (
        *("right", "right and down", "down", "left and down"),
        *("left", "left and up", "up", "right and up"),
    )

    def __init__(
        self,
        num_samples: int = 2000,
        *,
        train: bool = True,
        seed: int | Sequence[int] = 0,
        size: int = 16,
        num_steps: int = 64,
        speed: Range = (0.5, 0.9),
        contrast: Range = (0.5, 1.0),
        width: Range = (1.5, 3.0),
        threshold: float = 0.25,
        noise: float = 0.001,
        drop: float = 0.1,
        dtype: DTypeLike = np.float32,
        as_events: bool = False,
    ):
        count = positive_integer("num_samples", num_samples)
        self.size = positive_integer("size", size)
        self.num_steps = positive_integer("num_steps", num_steps)
        self._ranges = {
            name: _range(name, value)
            for name, value in (("speed", speed), ("contrast", contrast), ("width", width))
        }
        check.positive("threshold", threshold)
        self._threshold = threshold
        self._noise, self._drop = probability("noise", noise), probability("drop", drop)
        self._require_time()
        self.dtype = np.dtype(dtype)
        self._bits, self.labels = in_chunks(self._simulate, count, _CHUNK, seed=seed, train=train)
        self.as_events = as_events
        self.capacity = self._needed() if as_events else None

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[Any, np.ndarray]:
        """Returns ``x`` ``[N, 2, size, size, T]`` and the labels ``[N]``."""
        indices = np.asarray(indices, np.intp)
        if self.as_events:
            sample, *places = self._events(indices)
            cuts = np.searchsorted(sample, np.arange(1, len(indices)))
            recordings = list(zip(*(np.split(place, cuts) for place in places), strict=True))
            shape = (2, self.size, self.size, self.num_steps)
            lists = EventBatch.from_events(recordings, shape, capacity=self.capacity)
            return lists, self.labels[indices]
        x = np.unpackbits(self._bits[indices], axis=-1, count=self.num_steps).astype(self.dtype)
        return x.reshape(-1, 2, self.size, self.size, self.num_steps), self.labels[indices]

    def _events(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        """Sample, step, channel, row and column of every event, sample by sample."""
        bits = self._bits[indices]
        sample, channel, pixel, eight = np.nonzero(bits)
        byte, place = np.nonzero(np.unpackbits(bits[sample, channel, pixel, eight][:, None], 1))
        row, column = np.divmod(pixel[byte], self.size)
        return sample[byte], 8 * eight[byte] + place, channel[byte], row, column

    def _needed(self) -> Capacity:
        """Capacity for every batch: most events of one sample in one step, and in all."""
        in_step = in_all = 1
        for start in range(0, len(self), _CHUNK):
            numbers = np.arange(start, min(start + _CHUNK, len(self)))
            sample, step, *_ = self._events(numbers)
            steps = np.bincount(sample * self.num_steps + step, minlength=1)
            in_step = max(in_step, int(steps.max()))
            in_all = max(in_all, int(np.bincount(sample, minlength=1).max()))
        return in_step, in_all

    def _require_time(self) -> None:
        longest = 2 * half_extent(np.array(np.pi / 4), self.size) + self._ranges["width"][1]
        needed = int(np.ceil((longest + 2 * _MARGIN) / self._ranges["speed"][0])) + 1
        if needed > self.num_steps:
            raise ValueError(
                f"`num_steps` is {self.num_steps}, expected at least {needed} for the slowest bar "
                f"to cross {self.size} pixels; give more steps, more speed or a smaller field."
            )

    def _simulate(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.permutation(np.arange(_CHUNK) % len(self.classes)).astype(np.int32)
        angle = labels * (2 * np.pi / len(self.classes))
        speed, contrast, width = (rng.uniform(*r, _CHUNK) for r in self._ranges.values())
        contrast *= rng.choice([-1, 1], _CHUNK)
        way = half_extent(angle, self.size) + width / 2 + _MARGIN
        rest = rng.random(_CHUNK) * (self.num_steps - 1 - 2 * way / speed)
        parts = (angle, -way - rest * speed, speed, width, contrast)
        bars = Bars(*(part[:count].astype(np.float32) for part in parts))
        events = watch(bars, size=self.size, num_steps=self.num_steps, threshold=self._threshold)
        self._disturb(events, rng)
        bits = np.packbits(events, axis=0)  # [T / 8, N, 2, pixels]: eight steps in a byte
        return np.ascontiguousarray(np.moveaxis(bits, 0, -1)), labels[:count]

    def _disturb(self, events: np.ndarray, rng: np.random.Generator) -> None:
        # Sample by sample, so that a data set is the beginning of every longer one.
        for sample in np.moveaxis(events, 1, 0):
            hit = np.nonzero(sample)
            lost = rng.random(hit[0].size) < self._drop
            sample[tuple(axis[lost] for axis in hit)] = False
            count = rng.binomial(sample.size, self._noise)
            sample[np.unravel_index(rng.integers(sample.size, size=count), sample.shape)] = True


def _range(name: str, value: Range) -> Range:
    numbers = np.asarray(value, np.float64)
    if numbers.shape != (2,) or not (np.isfinite(numbers).all() and 0 < value[0] <= value[1]):
        raise ValueError(
            f"`{name}` is {value}, expected (least, largest), both above 0; give two numbers."
        )
    return float(value[0]), float(value[1])
