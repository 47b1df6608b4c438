"""What all data sets share: numbered samples, batches of them, and where their files lie."""

import abc
import operator
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jslayer.io.files import PathLike
from jslayer.io.random import entropy
from jslayer.ops import EventBatch

Arrays = tuple[Any, ...]
"""The parts of a batch: arrays, or a batch of lists of events for one."""


class Dataset(abc.ABC):
    """A map-style data set: ``len(ds)`` samples, ``ds[i] -> (x, ..., label)``.

    Samples are kept as events and become dense arrays when asked for. A subclass gives the
    length and ``batch``; ``ds[i]`` is a batch of one without its first axis.
    """

    @abc.abstractmethod
    def __len__(self) -> int: ...

    @abc.abstractmethod
    def batch(self, indices: Sequence[int] | np.ndarray) -> Arrays:
        """Stacks the samples of these numbers along a new first axis.

        Args:
          indices: ``[N]`` integers.

        Returns:
          The parts of the samples, each ``[N, ...]``.
        """

    def __getitem__(self, index: int) -> Arrays:
        """Returns one sample; negative numbers count from the end.

        Lists of events are a batch of one, since they have no form without that axis.

        Raises:
          IndexError: There is no such sample.
        """
        parts = self.batch([self.number(index)])
        return tuple(part if isinstance(part, EventBatch) else part[0] for part in parts)

    def number(self, index: int) -> int:
        """Returns ``index`` counted from the start.

        Raises:
          IndexError: There is no such sample.
        """
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(
                f"`index` is {number}, expected {-len(self)} to {len(self) - 1}; "
                f"the data set has {len(self)} samples."
            )
        return number % len(self)


def data_folder(folder: str) -> Path:
    """Names the folder of a data set where none is given, whether it exists or not.

    It lies in that of the environment variable ``JSLAYER_DATA``, or else in the user's cache,
    ``~/.cache/jslayer``.
    """
    data = os.environ.get("JSLAYER_DATA")
    if data:
        return Path(data) / folder
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "jslayer" / folder


def find_root(root: PathLike | None, folder: str, holds: str, *, fetch: str = "") -> Path:
    """Finds the folder of a data set: ``root``, or that named by ``data_folder``.

    Args:
      root: Given by the user, or ``None``.
      folder: Name below ``JSLAYER_DATA``.
      holds: What should be in it, for the error.
      fetch: How to download the data, for the error, where that can be done.

    Raises:
      FileNotFoundError: Neither is given, or the folder does not exist.
    """
    found = Path(root) if root is not None else data_folder(folder)
    fetch = f"; {fetch} downloads them" if fetch else ""
    if root is None and not os.environ.get("JSLAYER_DATA") and not found.is_dir():
        raise FileNotFoundError(
            f"`root` is None, the environment variable JSLAYER_DATA is not set and there is no "
            f"{found}, expected a folder that holds {holds}; pass `root`, or set JSLAYER_DATA to "
            f"the folder above {folder}/{fetch}."
        )
    if not found.is_dir():
        raise FileNotFoundError(
            f"`root` is {found}, which is no folder, expected one that holds {holds}; pass another "
            f"`root` or set JSLAYER_DATA{fetch}."
        )
    return found


def in_chunks(
    draw: Callable[[np.random.Generator, int], tuple[np.ndarray, ...]],
    count: int,
    chunk: int,
    *,
    seed: int | Sequence[int],
    train: bool,
) -> tuple[np.ndarray, ...]:
    """Draws samples chunk by chunk, so that a data set is the beginning of every longer one.

    Args:
      draw: ``(random numbers, at most so many) -> arrays``, each with the samples first; it draws
        the numbers of a whole chunk, however many samples are wanted.
      count: Samples in all.
      chunk: Samples drawn together.
      seed: An integer or several.
      train: Random numbers of the training set, otherwise those of the test set.
    """
    start = [*entropy(seed), 1 if train else 2]
    parts = [
        draw(np.random.default_rng([*start, 1 + first // chunk]), min(chunk, count - first))
        for first in range(0, count, chunk)
    ]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def positive_integer(name: str, value: int) -> int:
    """Returns ``value`` as an int.

    Raises:
      TypeError: ``value`` is no integer.
      ValueError: ``value`` is below 1.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            f"`{name}` is {value!r}, expected an integer from 1 on; convert it with int()."
        ) from None
    if number < 1:
        raise ValueError(
            f"`{name}` is {number}, expected an integer from 1 on; choose a larger one."
        )
    return number


def probability(name: str, value: float) -> float:
    """Returns ``value``.

    Raises:
      ValueError: ``value`` lies outside of [0, 1].
    """
    if not 0 <= value <= 1:
        raise ValueError(f"`{name}` is {value}, expected a probability in [0, 1]; choose one.")
    return float(value)
