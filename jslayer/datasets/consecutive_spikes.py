"""Two spikes in a row: the simplest thing that the decays of a neuron can tell."""

from collections.abc import Sequence

import numpy as np

from jslayer.io.random import entropy

from .base import Dataset, positive_integer, probability


class ConsecutiveSpikes(Dataset):
    """A random spike train, to be answered wherever two spikes came in steps that follow.

    ``ds[i] -> (x, desired)``, both ``[1, T]`` float32 of 0 and 1. The answer to spikes in steps
    ``t - 1`` and ``t`` is due in step ``t + 1``, as blocks send theirs one step later.

    Args:
      num_samples: Trains. The first ones stay the same when there are more.
      train: Random numbers of the training set, otherwise those of the test set.
      seed: An integer or several.
      num_steps: Time steps ``T``.
      rate: Probability of a spike in a step.

    Raises:
      TypeError: A number of something is no integer.
      ValueError: An argument is out of range.

    Example:
      >>> x, desired = ConsecutiveSpikes(4, num_steps=9, rate=0.5)[0]
      >>> bool((desired[0, 2:] == x[0, 1:-1] * x[0, :-2]).all())
      True
    """

    def __init__(
        self,
        num_samples: int = 32,
        *,
        train: bool = True,
        seed: int | Sequence[int] = 0,
        num_steps: int = 200,
        rate: float = 0.1,
    ):
        shape = (
            positive_integer("num_samples", num_samples),
            positive_integer("num_steps", num_steps),
        )
        rng = np.random.default_rng([*entropy(seed), 1 if train else 2])
        self._x = (rng.random(shape) < probability("rate", rate)).astype(np.float32)[:, None]

    def __len__(self) -> int:
        return len(self._x)

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns ``x`` and the desired answer, ``[N, 1, T]`` each."""
        x = self._x[np.asarray(indices, np.intp)]
        desired = np.zeros_like(x)
        desired[..., 2:] = x[..., 1:-1] * x[..., :-2]
        return x, desired
