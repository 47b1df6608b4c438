"""Batches of a data set, in an order that a seed fixes."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from jslayer.io.random import Seed, generator

from .base import Arrays, positive_integer


class Samples(Protocol):
    """Anything with a length and numbered samples, each a tuple of arrays and numbers."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sequence[Any]: ...


def batches(
    dataset: Samples,
    batch_size: int,
    *,
    seed: Seed = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Iterator[Arrays]:
    """Goes once through a data set.

    Args:
      dataset: A ``Dataset``, or anything with ``len(ds)`` and ``ds[i] -> (x, ..., label)``.
      batch_size: Samples in a batch.
      seed: Fixes the order: an integer, or several such as ``(seed, epoch)`` for another order in
        every epoch. ``None``: an order that differs from call to call.
      shuffle: Without it, the order is that of the data set and ``seed`` is not used.
      drop_last: Leave out a last batch that is smaller, so that all have one shape.

    Returns:
      Iterator over tuples of arrays ``[batch_size, ...]``, one array for each part of a sample.

    Raises:
      TypeError: ``batch_size`` is no integer, or ``seed`` is no seed.
      ValueError: ``batch_size`` is below 1, or ``drop_last`` would leave no batch.

    Example:
      >>> samples = [(np.float32(i), i % 2) for i in range(5)]
      >>> [x.tolist() for x, label in batches(samples, 2, shuffle=False)]
      [[0.0, 1.0], [2.0, 3.0], [4.0]]
    """
    batch_size = positive_integer("batch_size", batch_size)
    count = len(dataset)
    if drop_last and batch_size > count:
        raise ValueError(
            f"`batch_size` is {batch_size} for {count} samples, expected at most {count} with "
            "`drop_last`, which would leave no batch; choose a smaller one."
        )
    order = generator(seed).permutation(count) if shuffle else np.arange(count)
    stop = count - count % batch_size if drop_last else count
    return _stack(dataset, [order[i : i + batch_size] for i in range(0, stop, batch_size)])


def _stack(dataset: Any, parts: list[np.ndarray]) -> Iterator[Arrays]:
    together = getattr(dataset, "batch", None)
    for indices in parts:
        if together is not None:
            yield together(indices)
        else:
            samples = [dataset[int(index)] for index in indices]
            yield tuple(np.stack(part) for part in zip(*samples, strict=True))
