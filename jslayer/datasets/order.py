"""The order in which an epoch visits samples, and how samples become a batch."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from jslayer.io.random import Seed, generator
from jslayer.ops import EventBatch

from .base import Arrays, positive_integer


class Samples(Protocol):
    """Anything with a length and numbered samples, each a tuple of arrays and numbers."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sequence[Any]: ...


class Sharding(Protocol):
    """Who reads which samples of a batch; see `jslayer.training.BatchSharding`."""

    @property
    def processes(self) -> int:
        """How many read."""

    def rows(self, samples: int, /) -> slice:
        """Those of a batch of so many samples that this process reads."""

    def place(self, batch: Any, samples: int, /) -> Any:
        """Makes of what this process has read a batch of so many samples on all devices."""


def require_room(dataset: Any, sharding: Sharding | None) -> None:
    """Raises ``ValueError`` where processes would make lists of events of different sizes."""
    if sharding is None or sharding.processes == 1 or not getattr(dataset, "as_events", False):
        return
    if getattr(dataset, "capacity", None) is None:
        raise ValueError(
            "`capacity` of the data set is None, so that lists of events are as large as each "
            "process needs, expected one size for all processes; give the data set a capacity."
        )


def index_batches(
    count: int, batch_size: int, *, seed: Seed, shuffle: bool, drop_last: bool
) -> list[np.ndarray]:
    """Lists the numbers of the samples of each batch of an epoch.

    Args:
      count: Samples there are.
      batch_size: Samples in a batch.
      seed: Fixes the order; not used without ``shuffle``.
      shuffle: Visit the samples in a random order.
      drop_last: Leave out a last batch that is smaller.

    Raises:
      TypeError: ``batch_size`` is no integer, or ``seed`` is no seed.
      ValueError: ``batch_size`` is below 1, or ``drop_last`` would leave no batch.
    """
    batch_size = positive_integer("batch_size", batch_size)
    if drop_last and batch_size > count:
        raise ValueError(
            f"`batch_size` is {batch_size} for {count} samples, expected at most {count} with "
            "`drop_last`, which would leave no batch; choose a smaller one."
        )
    order = generator(seed).permutation(count) if shuffle else np.arange(count)
    stop = count - count % batch_size if drop_last else count
    return [order[i : i + batch_size] for i in range(0, stop, batch_size)]


def together(dataset: Any, indices: np.ndarray) -> Arrays:
    """Returns the samples of these numbers as arrays ``[N, ...]``, one for each part."""
    batch = getattr(dataset, "batch", None)
    if batch is not None:
        return batch(indices)
    return stack([dataset[int(index)] for index in indices])


def stack(samples: Sequence[Sequence[Any]]) -> Arrays:
    """Stacks the parts of samples along a new first axis; joins lists of events."""
    return tuple(
        EventBatch.join(part) if isinstance(part[0], EventBatch) else np.stack(part)
        for part in zip(*samples, strict=True)
    )
