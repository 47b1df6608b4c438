"""Batches of a data set, in an order that a seed fixes."""

from collections.abc import Iterator

from jslayer.io.random import Seed

from .base import Arrays
from .order import Samples, Sharding, index_batches, require_room, together


def batches(
    dataset: Samples,
    batch_size: int,
    *,
    seed: Seed = None,
    shuffle: bool = True,
    drop_last: bool = False,
    sharding: Sharding | None = None,
) -> Iterator[Arrays]:
    """Goes once through a data set.

    Args:
      dataset: A ``Dataset``, or anything with ``len(ds)`` and ``ds[i] -> (x, ..., label)``.
      batch_size: Samples in a batch.
      seed: Fixes the order: an integer, or several such as ``(seed, epoch)`` for another order in
        every epoch. ``None``: an order that differs from call to call.
      shuffle: Without it, the order is that of the data set and ``seed`` is not used.
      drop_last: Leave out a last batch that is smaller, so that all have one shape.
      sharding: Lay batches out over devices; of several processes each reads its own samples of the
        same batches, see `jslayer.training.BatchSharding`.

    Returns:
      Iterator over tuples of arrays ``[batch_size, ...]``, one array for each part of a sample.
      ``Loader`` gives the same batches, and can read ahead, change samples and resume.

    Raises:
      TypeError: ``batch_size`` is no integer, or ``seed`` is no seed.
      ValueError: ``batch_size`` is below 1, ``drop_last`` would leave no batch, or several
        processes have no ``seed``, or a data set of lists of events without ``capacity``.

    Example:
      >>> samples = [(float(i), i % 2) for i in range(5)]
      >>> [x.tolist() for x, label in batches(samples, 2, shuffle=False)]
      [[0.0, 1.0], [2.0, 3.0], [4.0]]
    """
    if shuffle and seed is None and sharding is not None and sharding.processes > 1:
        raise ValueError(
            f"`seed` is None for {sharding.processes} processes, expected one that they share, or "
            "their orders would differ; pass a number."
        )
    parts = index_batches(len(dataset), batch_size, seed=seed, shuffle=shuffle, drop_last=drop_last)
    require_room(dataset, sharding)
    if sharding is None:
        return (together(dataset, indices) for indices in parts)
    return (
        sharding.place(together(dataset, indices[sharding.rows(len(indices))]), len(indices))
        for indices in parts
    )
