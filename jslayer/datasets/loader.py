"""A loader that reads ahead, changes samples by seed, and resumes with the very next batch.

Why not Grain: its iterators resume as exactly, but in a shuffled order of its own and one sample
at a time, where a ``Dataset`` here makes a whole batch at once; and version 0.2.18 installs ten
packages besides itself and NumPy, among them protobuf, array-record and portpicker, has no wheel
for Macs with Intel processors, and would be needed for what are some hundred lines here. Whoever
has its pipelines already can feed them: a ``Dataset`` has the length and the numbered samples
that ``grain.MapDataset.source`` asks for.
"""

import itertools
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from jslayer.io.random import entropy

from .base import Arrays, positive_integer
from .order import Samples, Sharding, index_batches, require_room, stack, together

Transform = Callable[..., Sequence[Any]]


class Loader:
    """Batches of a data set, epoch after epoch.

    ``for batch in loader`` goes through what is left of the current epoch, and then the next
    ``for`` through the next one. Where the loader stands counts the batches handed out, not those
    read ahead: ``state`` can be taken at any time, also in the middle of an epoch.

    Args:
      dataset: A ``Dataset``, or anything with ``len(ds)`` and ``ds[i] -> (x, ..., label)``.
      batch_size: Samples in a batch.
      shuffle: A new random order in every epoch, that of ``batches(seed=(seed, epoch))``.
      seed: An integer or several; fixes the order and the seeds of ``transform``.
      drop_last: Leave out a last batch that is smaller, so that all have one shape.
      transform: Function ``f(sample, seed=...)`` that returns the sample to use. Its seed, a tuple
        of integers, depends on ``seed``, the epoch and the number of the sample alone, so that
        neither batch size nor threads change what comes out.
      workers: Threads that read ahead; 0 reads each batch when it is asked for.
      prefetch: Batches read ahead at most; it counts only with ``workers``.
      sharding: Lay batches out over devices, see `jslayer.training.BatchSharding`. Of several
        processes each reads its own samples of every batch; the batches, also a last, smaller one,
        are those of one process, and ``state()`` is the same on all, so that a run may go on with
        another number of them. What ``batch_size`` and ``len`` count is over all processes.

    Attributes:
      epoch: Number of the epoch that the next batch belongs to.
      position: Batches of it that were handed out.

    Raises:
      TypeError: A number of something is no integer, or ``seed`` is no seed.
      ValueError: A number is out of range, there are no samples, or ``drop_last`` would leave no
        batch, or several processes have a data set of lists of events without ``capacity``.

    Example:
      >>> loader = Loader([(i, -i) for i in range(6)], 2, shuffle=False)
      >>> _ = next(iter(loader))
      >>> loader.state()["epoch"], loader.state()["position"]
      (0, 1)
      >>> [x.tolist() for x, _ in loader]
      [[2, 3], [4, 5]]
    """

    def __init__(
        self,
        dataset: Samples,
        batch_size: int,
        *,
        shuffle: bool = True,
        seed: int | Sequence[int] = 0,
        drop_last: bool = False,
        transform: Transform | None = None,
        workers: int = 0,
        prefetch: int = 2,
        sharding: Sharding | None = None,
    ):
        if workers < 0:
            raise ValueError(
                f"`workers` is {workers}, expected 0 or more threads; choose a number."
            )
        if not len(dataset):
            raise ValueError("`dataset` has no samples, expected at least one; check its folder.")
        self.dataset = dataset
        self.batch_size = positive_integer("batch_size", batch_size)
        self.shuffle, self.drop_last = bool(shuffle), bool(drop_last)
        self.seed = tuple(entropy(seed))
        self.transform = transform
        self.workers = workers
        self.prefetch = positive_integer("prefetch", prefetch)
        require_room(dataset, sharding)
        self.sharding = sharding
        self.epoch = self.position = 0
        self._turn = 0  # of the iterator that may go on
        self._parts(0)  # says now what is wrong with the arguments

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        count, size = len(self.dataset), self.batch_size
        return count // size if self.drop_last else -(-count // size)

    def __iter__(self) -> Iterator[Arrays]:
        """Goes through the rest of the epoch.

        Raises:
          RuntimeError: Raised by an older iterator, once a newer one was begun.
        """
        self._turn += 1
        return self._rest(self._turn)

    def state(self) -> dict[str, Any]:
        """Returns where the loader stands, as a dict that JSON takes.

        It belongs into a checkpoint beside parameters and optimiser.
        """
        return {**self._settings(), "epoch": self.epoch, "position": self.position}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Moves the loader to where another one stood; the next batch is the next of that one.

        Args:
          state: What ``state()`` returned, of a loader with the same settings.

        Raises:
          ValueError: The other loader had other settings or samples, or the state is damaged.
        """
        expected = self.state()
        if set(state) != set(expected):
            raise ValueError(
                f"`state` has {sorted(state)}, expected {sorted(expected)}; pass what "
                "`Loader.state()` returned."
            )
        for name, ours in self._settings().items():
            if state[name] != ours:
                raise ValueError(
                    f"`state` has {name} {state[name]!r}, expected {ours!r} as this loader, or "
                    f"the batches would differ; build the loader with that {name}."
                )
        self.seek(state["epoch"], state["position"])

    @classmethod
    def restore(cls, state: Mapping[str, Any], dataset: Samples, **options: Any) -> "Loader":
        """Builds a loader that goes on where another one stood.

        Args:
          state: What ``state()`` returned.
          dataset: The same samples as then.
          **options: ``transform`` (the same as then), ``workers``, ``prefetch`` and ``sharding``.

        Raises:
          ValueError: ``dataset`` has another number of samples, or the state is damaged.
        """
        names = ("batch_size", "shuffle", "seed", "drop_last")
        if missing := [name for name in names if name not in state]:
            raise ValueError(
                f"`state` lacks {missing}, expected what `Loader.state()` returned; pass that."
            )
        loader = cls(dataset, **{name: state[name] for name in names}, **options)
        loader.load_state(state)
        return loader

    def seek(self, epoch: int, position: int = 0) -> None:
        """Moves to a batch of an epoch; an iterator that was begun before must not go on.

        Raises:
          ValueError: There is no such batch.
        """
        if not (epoch >= 0 and 0 <= position < len(self)):
            raise ValueError(
                f"`epoch` and `position` are {epoch} and {position}, expected an epoch from 0 on "
                f"and a batch from 0 to {len(self) - 1}; choose one that exists."
            )
        self._turn += 1
        self.epoch, self.position = int(epoch), int(position)

    def _settings(self) -> dict[str, Any]:
        return {
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "seed": list(self.seed),
            "drop_last": self.drop_last,
            "samples": len(self.dataset),
        }

    def _parts(self, epoch: int) -> list[np.ndarray]:
        return index_batches(
            len(self.dataset),
            self.batch_size,
            seed=(*self.seed, epoch),
            shuffle=self.shuffle,
            drop_last=self.drop_last,
        )

    def _rest(self, turn: int) -> Iterator[Arrays]:
        epoch, start = self.epoch, self.position
        parts = self._parts(epoch)
        made = (
            self._ahead(epoch, parts[start:])
            if self.workers
            else (self._make(epoch, part) for part in parts[start:])
        )
        for number in range(start, len(parts)):
            if turn != self._turn:
                raise RuntimeError(
                    "this iterator of the loader is out of date, expected only the newest to go "
                    "on; another loop over the loader, `seek` or `load_state` came in between."
                )
            batch = next(made)
            # Counted before it is handed out: whoever has it may save the state at once.
            done = number + 1 == len(parts)
            self.epoch, self.position = (epoch + 1, 0) if done else (epoch, number + 1)
            yield batch

    def _ahead(self, epoch: int, parts: list[np.ndarray]) -> Iterator[Arrays]:
        queue: deque[Future[Arrays]] = deque()
        waiting = iter(parts)
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="jslayer-loader")
        is_ending = sys.is_finalizing

        def begin(part: np.ndarray) -> Future[Arrays]:
            try:
                return pool.submit(self._make, epoch, part)
            except RuntimeError:  # the program ends, but for the thread that asks: no more threads
                return _done(self._make, epoch, part)

        try:
            for part in itertools.islice(waiting, self.prefetch):
                queue.append(begin(part))
            while queue:
                batch = queue.popleft().result()
                for part in itertools.islice(waiting, 1):
                    queue.append(begin(part))
                yield batch
        finally:
            # An interpreter that ends has ended the threads, and taken apart what `shutdown` needs.
            if not is_ending():
                pool.shutdown(cancel_futures=True)

    def _make(self, epoch: int, indices: np.ndarray) -> Arrays:
        if self.sharding is None:
            return self._read(epoch, indices)
        own = indices[self.sharding.rows(len(indices))]
        return self.sharding.place(self._read(epoch, own), len(indices))

    def _read(self, epoch: int, indices: np.ndarray) -> Arrays:
        if self.transform is None:
            return together(self.dataset, indices)
        samples = []
        for index in indices.tolist():
            # Not the bare index: trailing zeros of a seed do not count, so that sample 0 would
            # share its random numbers with the order of the epoch.
            seed = (*self.seed, epoch, index + 1)
            samples.append(self.transform(self.dataset[index], seed=seed))
        return stack(samples)


def _done(function: Callable[..., Arrays], *arguments: Any) -> Future[Arrays]:
    """What a thread would have made, made at once."""
    future: Future[Arrays] = Future()
    try:
        future.set_result(function(*arguments))
    except Exception as error:
        future.set_exception(error)
    return future
