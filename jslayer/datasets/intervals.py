"""Intervals: which of two groups of neurons was first, and by how much?"""

from collections.abc import Sequence

import numpy as np

from .base import Dataset, in_chunks, positive_integer, probability

_CHUNK = 256  # samples drawn together; part of what fixes the random numbers


class Intervals(Dataset):
    """Two groups of neurons send a volley each; the label is the time from one to the other.

    ``ds[i] -> (x, label)``: ``x`` is ``[2 * neurons, T]`` float32 of 0 and 1; ``label`` is int32
    and numbers the interval from the first group's volley to the second's: class ``k`` of ``K`` is
    ``(k - (K - 1) / 2) * spacing`` steps, below 0 where the second group is first.

    Every neuron spikes once in its volley, in whatever class: counts tell nothing, neither of a
    neuron nor of a group, and the volleys stand anywhere. Spikes are moved by ``jitter``, some are
    missing, and some come by mistake.

    Args:
      num_samples: How many. The first ones stay the same when there are more.
      train: Random numbers of the training set, otherwise those of the test set.
      seed: An integer or several.
      classes: Number of intervals ``K``.
      spacing: Steps from one interval to the next.
      neurons: Neurons of a group.
      num_steps: Time steps ``T``.
      jitter: Standard deviation of the time of a spike within its volley, in steps.
      drop: Probability that a spike is missing.
      noise: Probability of a spike by mistake, for each neuron and step.

    Attributes:
      labels: ``[len(ds)]`` int32.

    Raises:
      TypeError: A number of something is no integer.
      ValueError: An argument is out of range, or the longest interval does not fit into the time.

    Example:
      >>> x, label = Intervals(4)[0]
      >>> x.shape
      (16, 60)
    """

    def __init__(
        self,
        num_samples: int = 1024,
        *,
        train: bool = True,
        seed: int | Sequence[int] = 0,
        classes: int = 6,
        spacing: int = 5,
        neurons: int = 8,
        num_steps: int = 60,
        jitter: float = 1.0,
        drop: float = 0.1,
        noise: float = 0.005,
    ):
        count = positive_integer("num_samples", num_samples)
        self._classes = positive_integer("classes", classes)
        self._spacing = positive_integer("spacing", spacing)
        self._neurons = positive_integer("neurons", neurons)
        self.num_steps = positive_integer("num_steps", num_steps)
        if not (np.isfinite(jitter) and jitter >= 0):
            raise ValueError(f"`jitter` is {jitter}, expected steps from 0 on; choose a number.")
        self._jitter = jitter
        self._drop, self._noise = probability("drop", drop), probability("noise", noise)
        longest = (self._classes - 1) * self._spacing / 2
        self._margin = int(np.ceil(longest / 2 + 3 * jitter))
        if 2 * self._margin >= self.num_steps:
            raise ValueError(
                f"`num_steps` is {num_steps}, expected more than {2 * self._margin} for an "
                f"interval of {longest:g} steps; give more steps, less spacing or fewer classes."
            )
        self._x, self.labels = in_chunks(self._draw, count, _CHUNK, seed=seed, train=train)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns ``x`` ``[N, 2 * neurons, T]`` and the labels ``[N]``."""
        indices = np.asarray(indices, np.intp)
        return self._x[indices].astype(np.float32), self.labels[indices]

    def _draw(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.permutation(np.arange(_CHUNK) % self._classes).astype(np.int32)
        interval = (labels - (self._classes - 1) / 2) * self._spacing
        middle = rng.uniform(self._margin, self.num_steps - self._margin, _CHUNK)
        volleys = middle[:, None] + np.stack([-interval, interval], axis=1) / 2
        spikes = np.repeat(volleys, self._neurons, axis=1)
        spikes += self._jitter * rng.standard_normal(spikes.shape)
        step = np.clip(np.floor(spikes), 0, self.num_steps - 1).astype(np.intp)
        x = rng.random((_CHUNK, 2 * self._neurons, self.num_steps)) < self._noise
        sample, neuron = np.nonzero(rng.random(step.shape) >= self._drop)
        x[sample, neuron, step[sample, neuron]] = True
        return x[:count], labels[:count]
