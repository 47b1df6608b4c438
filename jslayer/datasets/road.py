"""A winding road and a car that follows it, by formula.

The road's curvature along its length ``s`` is a sum of few waves,
``k(s) = sum a cos(w s + p)``, so that its direction and its shape ahead of the car are sums of
waves too and every picture can be drawn at once, without driving up to it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

_WAVES = 5
_WHEELBASE_M, _STEERING_RATIO = 2.7, 15.0


@dataclass(frozen=True)
class Drive:
    """What fixes a drive: the road, the place on it, and the light.

    Attributes:
      amplitude: ``[waves]``. Of the waves of curvature, per metre.
      frequency: ``[waves]``. In radians per metre.
      phase: ``[waves]``. In radians.
      offset_m: The car's place beside the middle of the road, to the right.
      light: Brightness, 1 in the mean.
      hills: ``[4, 2]``. Height in rows and phase of the waves of the skyline.
      trees: ``[2, 64]``. Height in metres of the trees left and right, in turn; 0 for a gap.
    """

    amplitude: np.ndarray
    frequency: np.ndarray
    phase: np.ndarray
    offset_m: float
    light: float
    hills: np.ndarray
    trees: np.ndarray


def random_drive(rng: np.random.Generator, curvature: float) -> Drive:
    """Draws a drive whose curvature has about the standard deviation ``curvature``."""
    length = np.exp(rng.uniform(np.log(110), np.log(420), _WAVES))
    share = rng.uniform(0.5, 1.5, _WAVES) * (length / 200) ** 0.5  # long bends are the strong ones
    share *= curvature * np.sqrt(2) / np.linalg.norm(share)
    return Drive(
        amplitude=share,
        frequency=2 * np.pi / length,
        phase=rng.uniform(0, 2 * np.pi, _WAVES),
        offset_m=rng.normal(0, 0.15),
        light=rng.uniform(0.88, 1.08),
        hills=np.stack([rng.uniform(0.3, 1.4, 4), rng.uniform(0, 2 * np.pi, 4)], axis=1),
        trees=rng.uniform(3.5, 7.5, (2, 64)) * (rng.random((2, 64)) < 0.75),
    )


def steering_angle(drive: Drive, place_m: np.ndarray) -> np.ndarray:
    """Angle of the steering wheel, in radians, to the right above 0: ``[frames]``."""
    curvature = waves(drive, place_m, 0)
    return _STEERING_RATIO * np.arctan(_WHEELBASE_M * curvature)


def side_m(drive: Drive, place_m: np.ndarray, ahead_m: np.ndarray) -> np.ndarray:
    """Metres to the right, as the camera sees it, of the road's middle ``ahead_m`` of the car."""
    turned = waves(drive, place_m + ahead_m, 2) - waves(drive, place_m, 2)
    return turned - ahead_m * waves(drive, place_m, 1) - drive.offset_m


def waves(drive: Drive, place_m: np.ndarray, integrals: Literal[0, 1, 2]) -> np.ndarray:
    """Curvature of the road, or its first or second integral along it: ``[*place_m]``."""
    angle = place_m[..., None] * drive.frequency + drive.phase
    wave = (np.cos, np.sin, lambda a: -np.cos(a))[integrals](angle)
    return wave @ (drive.amplitude / drive.frequency**integrals)
