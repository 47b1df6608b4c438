"""Drawn driving: from what a camera on a car sees to the angle of its steering wheel."""

from collections.abc import Sequence

import numpy as np

from jslayer.io.random import entropy
from jslayer.ops import check

from . import road, road_scene
from .base import Dataset, positive_integer


class SyntheticRoad(Dataset):
    """Short drives along winding roads, for regression in time; needs no file.

    ``ds[i] -> (x, angle)``: ``x`` is ``[3, 33, 100, T]`` float32 in [0, 1], in steps of 1 / 255
    (red, green and blue; row; column; frame), ``angle`` is ``[T]`` float32 in radians, to the
    right above 0. Layout and size are those of ``PilotNet``.

    The car moves slowly against the frame rate, and sky, grass and asphalt stay as they are from
    frame to frame: what changes is little, as sigma-delta networks like it. Every sample has a
    road, a light and a skyline of its own.

    Args:
      num_samples: Drives. The first ones stay the same when there are more.
      train: Random numbers of the training set, otherwise those of the test set.
      seed: An integer or several.
      num_steps: Frames ``T`` of a drive.
      speed: Metres from frame to frame; 0.33 is 10 m/s at 30 frames a second.
      curvature: Standard deviation of the road's curvature, per metre. The angle is
        ``15 atan(2.7 curvature)``.
      noise: Standard deviation of noise in each value of each frame; it changes every pixel.

    Raises:
      TypeError: A number of something is no integer.
      ValueError: An argument is out of range.

    Example:
      >>> x, angle = SyntheticRoad(2, num_steps=4)[1]
      >>> x.shape, angle.shape
      ((3, 33, 100, 4), (4,))
    """

    def __init__(
        self,
        num_samples: int = 200,
        *,
        train: bool = True,
        seed: int | Sequence[int] = 0,
        num_steps: int = 16,
        speed: float = 0.33,
        curvature: float = 0.01,
        noise: float = 0.0,
    ):
        self._count = positive_integer("num_samples", num_samples)
        self.num_steps = positive_integer("num_steps", num_steps)
        check.positive("speed", speed)
        check.positive("curvature", curvature)
        if not 0 <= noise < np.inf:
            raise ValueError(f"`noise` is {noise}, expected a number from 0 on; choose another.")
        self._speed, self._curvature, self._noise = speed, curvature, noise
        self._start = (*entropy(seed), 1 if train else 2)

    def __len__(self) -> int:
        return self._count

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Draws ``x`` ``[N, 3, 33, 100, T]`` and the angles ``[N, T]``."""
        shape = (len(indices), 3, road_scene.HEIGHT, road_scene.WIDTH, self.num_steps)
        x = np.empty(shape, np.float32)
        angle = np.empty((len(indices), self.num_steps), np.float32)
        for number, index in enumerate(indices):
            rng = np.random.default_rng((*self._start, int(index) + 1))
            drive = road.random_drive(rng, self._curvature)
            place = rng.uniform(0, 1000) + self._speed * np.arange(self.num_steps)
            picture = road_scene.draw(drive, place)
            if self._noise:
                picture += self._noise * rng.standard_normal(picture.shape, np.float32)
            levels = np.round(255 * np.clip(picture, 0, 1))
            x[number] = np.moveaxis(levels / np.float32(255), (0, 3), (3, 0))
            angle[number] = road.steering_angle(drive, place)
        return x, angle
