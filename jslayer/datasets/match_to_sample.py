"""Delayed match to sample: is the second pattern that of some time ago?"""

from collections.abc import Sequence

import numpy as np

from .base import Dataset, in_chunks, positive_integer, probability

_CHUNK = 256  # samples drawn together; part of what fixes the random numbers


class MatchToSample(Dataset):
    """Two groups of neurons are busy, one after the other; are they the same group?

    ``ds[i] -> (x, label)``: ``x`` is ``[groups * neurons, T]`` float32 of 0 and 1; ``label`` is
    int32, 1 where the second group is the first one, in half of all samples. Between them lies a
    pause of random length, so that the network has to remember; neurons spike now and then by
    mistake.

    Args:
      num_samples: How many. The first ones stay the same when there are more.
      train: Random numbers of the training set, otherwise those of the test set.
      seed: An integer or several.
      groups: Groups of neurons, at least 2.
      neurons: Neurons of a group.
      shown_steps: Steps for which a group is busy.
      pause_steps: Least and largest pause.
      rate: Probability of a spike of a busy neuron in a step.
      noise: Probability of a spike by mistake, for each neuron and step.

    Attributes:
      labels: ``[len(ds)]`` int32.

    Raises:
      TypeError: A number of something is no integer.
      ValueError: An argument is out of range.

    Example:
      >>> x, label = MatchToSample(4)[0]
      >>> x.shape
      (16, 70)
    """

    def __init__(
        self,
        num_samples: int = 1024,
        *,
        train: bool = True,
        seed: int | Sequence[int] = 0,
        groups: int = 4,
        neurons: int = 4,
        shown_steps: int = 10,
        pause_steps: tuple[int, int] = (20, 40),
        rate: float = 0.4,
        noise: float = 0.005,
    ):
        count = positive_integer("num_samples", num_samples)
        self._groups = positive_integer("groups", groups)
        if self._groups < 2:
            raise ValueError("`groups` is 1, expected at least 2; ask for more.")
        self._neurons = positive_integer("neurons", neurons)
        self._shown = positive_integer("shown_steps", shown_steps)
        if len(pause_steps) != 2 or not 0 <= pause_steps[0] <= pause_steps[1]:
            raise ValueError(
                f"`pause_steps` is {pause_steps}, expected (least, largest), from 0 on; give two "
                "numbers."
            )
        self._pause = int(pause_steps[0]), int(pause_steps[1])
        # some steps after the second group, in which to answer
        self.num_steps = 2 * self._shown + self._pause[1] + 10
        self._rate, self._noise = probability("rate", rate), probability("noise", noise)
        self._x, self.labels = in_chunks(self._draw, count, _CHUNK, seed=seed, train=train)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns ``x`` ``[N, groups * neurons, T]`` and the labels ``[N]``."""
        indices = np.asarray(indices, np.intp)
        return self._x[indices].astype(np.float32), self.labels[indices]

    def _draw(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.permutation(np.arange(_CHUNK) % 2).astype(np.int32)
        first = rng.integers(self._groups, size=_CHUNK)
        other = (first + rng.integers(1, self._groups, size=_CHUNK)) % self._groups
        groups = np.stack([first, np.where(labels == 1, first, other)])
        begin = self._shown + rng.integers(self._pause[0], self._pause[1] + 1, size=_CHUNK)
        step = np.arange(self.num_steps)
        group = np.arange(self._groups * self._neurons)[:, None] // self._neurons
        busy = np.zeros((_CHUNK, len(group), self.num_steps), bool)
        for start, number in zip((np.zeros_like(begin), begin), groups, strict=True):
            since = step - start[:, None, None]
            busy |= (group == number[:, None, None]) & (since >= 0) & (since < self._shown)
        x = rng.random(busy.shape) < np.where(busy, self._rate, self._noise)
        return x[:count], labels[:count]
