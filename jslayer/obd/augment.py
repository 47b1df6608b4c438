"""Random changes to videos with boxes that a detector should not mind, each fixed by its seed.

Every function takes a sample ``(frames, rows, kind, ..)`` and a keyword ``seed`` and returns a new
one. One draw holds for the whole video: a change from frame to frame would be an event everywhere.
``compose`` puts them in a row, for ``Loader(transform=...)``.

``frames`` are ``[C, H, W, T]`` in [0, 1], ``rows`` ``[T, M, 6]``, ``kind`` ``[T, M]``; what stands
behind is handed on.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jslayer.io.random import Seed, generator
from jslayer.obd import boxes
from jslayer.obd.padding import IGNORE, NONE
from jslayer.ops import check

__all__ = ["blur", "colour", "compose", "crop_and_scale", "flip"]

Sample = tuple[Any, ...]
_MIN_VISIBLE = 0.35  # share of a box in the window from which on it still counts


def __dir__() -> list[str]:
    return __all__


def flip(sample: Sequence[Any], *, x: float = 0.5, y: float = 0.0, seed: Seed) -> Sample:
    """Mirrors a video with some probability.

    Args:
      sample: Frames of colours or events.
      x: Probability of swapping left and right.
      y: Probability of swapping top and bottom.
      seed: Fixes the choice.

    Example:
      >>> frames, rows = np.zeros((3, 4, 4, 1)), np.array([[[0.25, 0.5, 0.5, 1.0, 1.0, 0.0]]])
      >>> flip((frames, rows, np.ones((1, 1))), x=1.0, seed=0)[1].tolist()
      [[[0.75, 0.5, 0.5, 1.0, 1.0, 0.0]]]
    """
    check.in_range("x", x, 0.0, 1.0)
    check.in_range("y", y, 0.0, 1.0)
    frames, rows, kind, *rest = sample
    left, top = generator(seed).random(2)
    across, down = bool(left < x), bool(top < y)
    frames = frames[:, :: -1 if down else 1, :: -1 if across else 1]
    rows = np.where(np.asarray(kind)[..., None] != NONE, boxes.flip(rows, x=across, y=down), rows)
    return np.ascontiguousarray(frames), rows, kind, *rest


def crop_and_scale(sample: Sequence[Any], *, least: float = 0.6, seed: Seed) -> Sample:
    """Shows a window of a video at full size; it has the form of the frame.

    Boxes are cut at the window; one of which less than 35 % is left is to be ignored, and one of
    which nothing is left is no object.

    Args:
      sample: Frames of colours.
      least: Smallest side of the window, as a part of the frame, above 0; 1: the whole frame.
      seed: Fixes size and place.

    Raises:
      ValueError: ``least`` is out of range.
    """
    if not 0 < least <= 1:
        raise ValueError(f"`least` is {least}, expected a part of the frame above 0; choose one.")
    frames, rows, kind, *rest = sample
    rng = generator(seed)
    side = rng.uniform(least, 1)
    left, top = rng.uniform(0, 1 - side, 2)
    window = (left, top, left + side, top + side)
    down, across = (
        _window(frames.shape[1 + k], low, low + side) for k, low in ((0, top), (1, left))
    )
    frames = _mapped(frames, down, across)
    moved = boxes.crop(rows, window)
    cut = boxes.clip(moved)
    left_over = cut[..., 2] * cut[..., 3]
    share = left_over / np.maximum(moved[..., 2] * moved[..., 3], 1e-12)
    kind = np.where((kind != NONE) & (share < _MIN_VISIBLE), IGNORE, kind)
    kind = np.where(left_over > 0, kind, NONE).astype(np.int8)
    rows = np.where(kind[..., None] != NONE, cut, 0).astype(np.float32)
    return frames, rows, kind, *rest


def colour(
    sample: Sequence[Any],
    *,
    brightness: float = 0.2,
    contrast: float = 0.2,
    saturation: float = 0.2,
    seed: Seed,
) -> Sample:
    """Changes brightness, contrast and saturation of a video.

    Args:
      sample: Frames of three colours.
      brightness: Largest change, as a part of the brightness.
      contrast: Largest change of the distance from the mean of the video.
      saturation: Largest change of the distance from grey.
      seed: Fixes the three changes.

    Raises:
      ValueError: A change is outside of [0, 1].
    """
    limits = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    for name, limit in limits.items():
        check.in_range(name, limit, 0.0, 1.0)
    frames, *rest = sample
    light, depth, tone = 1 + generator(seed).uniform(-1, 1, 3) * list(limits.values())
    grey = frames.mean(axis=0, keepdims=True)
    changed = grey + tone * (frames - grey)
    middle = changed.mean()
    changed = light * (middle + depth * (changed - middle))
    return np.clip(changed, 0, 1).astype(np.float32), *rest


def blur(sample: Sequence[Any], *, width: float = 1.0, seed: Seed) -> Sample:
    """Makes a video less sharp, all frames alike.

    Args:
      sample: Frames of colours.
      width: Largest standard deviation of the Gaussian, in pixels, from 0 on.
      seed: Fixes the width.

    Raises:
      ValueError: ``width`` is below 0.
    """
    if not 0 <= width < np.inf:
        raise ValueError(f"`width` is {width}, expected a number of pixels from 0 on; choose one.")
    frames, *rest = sample
    deviation = generator(seed).uniform(0, width)
    down, across = (_gaussian(length, deviation) for length in frames.shape[1:3])
    return _mapped(frames, down, across), *rest


def compose(steps: Sequence[Callable[..., Sample]]) -> Callable[..., Sample]:
    """Puts changes in a row, each with random numbers of its own.

    Args:
      steps: Functions ``f(sample, seed=...)``. Bind further arguments with ``functools.partial``.

    Returns:
      A function ``f(sample, *, seed)``.
    """
    return functools.partial(_apply, tuple(steps))


def _apply(steps: tuple[Callable[..., Sample], ...], sample: Sample, *, seed: Seed) -> Sample:
    for step, stream in zip(steps, generator(seed).spawn(len(steps)), strict=True):
        sample = step(sample, seed=stream)
    return sample


def _mapped(frames: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Multiplies every frame ``[C, H, W, T]`` from both sides; float32."""
    # A product for each frame: in one over all of them, frames that are equal could come to differ
    # in the last bit.
    pictures = np.ascontiguousarray(np.moveaxis(frames, -1, 0), np.float32)
    made = np.matmul(np.matmul(down, pictures), across.T)
    return np.ascontiguousarray(np.moveaxis(made, 0, -1))


def _window(length: int, low: float, high: float) -> np.ndarray:
    """Matrix ``[length, length]`` that scales part of a line to all of it, bilinearly."""
    place = (low + (np.arange(length) + 0.5) / length * (high - low)) * length - 0.5
    return np.clip(1 - np.abs(place.clip(0, length - 1)[:, None] - np.arange(length)), 0, 1).astype(
        np.float32
    )


def _gaussian(length: int, deviation: float) -> np.ndarray:
    """Matrix ``[length, length]`` of a Gaussian; at the edge, what is left of it."""
    apart = np.arange(length)[:, None] - np.arange(length)
    weight = np.exp(-0.5 * (apart / max(deviation, 1e-3)) ** 2)
    return (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
