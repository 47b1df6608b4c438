"""Chirps: tones in noise that rise, fall, or do both."""

from collections.abc import Sequence

import numpy as np

from .base import Dataset, in_chunks, positive_integer

_CHUNK = 256  # samples drawn together; part of what fixes the random numbers
_CLASSES = 4


class Chirps(Dataset):
    """A tone whose pitch rises, falls, rises and falls, or falls and rises.

    ``ds[i] -> (x, label)``: ``x`` is ``[1, T]`` float32, a wave and white noise; ``label`` is
    int32: 0 rises, 1 falls, 2 rises and then falls, 3 falls and then rises. The pitch moves evenly
    on the scale of its logarithm between two limits, so that each class has all pitches for the
    same time, and only their order tells them apart. Loudness, phase, limits and moment differ.

    Args:
      num_samples: How many. The first ones stay the same when there are more.
      train: Random numbers of the training set, otherwise those of the test set.
      seed: An integer or several.
      num_steps: Time steps ``T``; the tone takes the middle three quarters, more or less.
      periods: Steps of a wave at the highest and at the lowest pitch.
      noise: Standard deviation of the noise; the wave's amplitude is 0.7 to 1.3.

    Attributes:
      labels: ``[len(ds)]`` int32.

    Raises:
      TypeError: A number of something is no integer.
      ValueError: An argument is out of range.

    Example:
      >>> x, label = Chirps(4)[0]
      >>> x.shape
      (1, 128)
    """

    def __init__(
        self,
        num_samples: int = 1024,
        *,
        train: bool = True,
        seed: int | Sequence[int] = 0,
        num_steps: int = 128,
        periods: tuple[float, float] = (5.0, 20.0),
        noise: float = 0.5,
    ):
        count = positive_integer("num_samples", num_samples)
        self.num_steps = positive_integer("num_steps", num_steps)
        if not (len(periods) == 2 and 2 <= periods[0] < periods[1] < np.inf):
            raise ValueError(
                f"`periods` is {periods}, expected (least, largest), from 2 steps on; give two "
                "numbers."
            )
        if not 0 <= noise < np.inf:
            raise ValueError(f"`noise` is {noise}, expected a number from 0 on; choose another.")
        self._periods, self._noise = periods, noise
        self._x, self.labels = in_chunks(self._draw, count, _CHUNK, seed=seed, train=train)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns ``x`` ``[N, 1, T]`` and the labels ``[N]``."""
        indices = np.asarray(indices, np.intp)
        return self._x[indices][:, None], self.labels[indices]

    def _draw(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.permutation(np.arange(_CHUNK) % _CLASSES).astype(np.int32)
        column = lambda low, high: rng.uniform(low, high, (_CHUNK, 1))
        length = self.num_steps * column(0.65, 0.85)
        begin = (self.num_steps - length) * column(0.0, 1.0)
        place = (np.arange(self.num_steps) - begin) / length  # 0 to 1 along the tone
        up = 1 - np.abs(2 * place - 1)
        height = np.choose(labels[:, None], [place, 1 - place, up, 1 - up])
        low, high = 1 / self._periods[1], 1 / self._periods[0]
        pitch = low * column(0.9, 1.1) * (high / low) ** np.clip(height, 0, 1)
        phase = 2 * np.pi * (np.cumsum(pitch, axis=1) + column(0, 1))
        wave = column(0.7, 1.3) * np.sin(phase) * ((place >= 0) & (place <= 1))
        x = wave + self._noise * rng.standard_normal(wave.shape)
        return x[:count].astype(np.float32), labels[:count]
