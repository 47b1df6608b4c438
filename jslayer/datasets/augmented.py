"""Recordings whose events are changed before they are binned."""

from collections.abc import Callable, Sequence

import numpy as np

from jslayer.io import Event
from jslayer.io.random import Seed, entropy

from .base import Arrays, Dataset
from .order import stack
from .recordings import Recordings


class Augmented(Dataset):
    """The samples of recordings, their events changed.

    ``ds[i] -> (x, label)`` as that of ``recordings``. A change that draws at random draws the same
    for a sample whenever it is asked for; another ``seed`` draws others, so that an epoch is
    ``Augmented(recordings, change, seed=(seed, epoch))``.

    Args:
      recordings: Where the events come from, and how they are binned.
      change: ``f(event, seed=...)``, such as one made by ``io.augment.compose``.
      seed: An integer or several.

    Raises:
      TypeError: ``seed`` is no seed.
    """

    def __init__(
        self,
        recordings: Recordings,
        change: Callable[..., Event],
        *,
        seed: int | Sequence[int] = 0,
    ):
        self._recordings = recordings
        self._binning = recordings.binning(change)
        self._seed = tuple(entropy(seed))

    def __len__(self) -> int:
        return len(self._recordings)

    def batch(self, indices: Sequence[int] | np.ndarray) -> Arrays:
        """Reads, changes and bins recordings; as the batches of ``recordings``."""
        samples = []
        for index in map(int, indices):
            # from 1 on: trailing zeros of a seed do not count
            seed: Seed = (*self._seed, index + 1)
            samples.append(self._binning(self._recordings.recording(index), seed=seed))
        return stack(samples)
