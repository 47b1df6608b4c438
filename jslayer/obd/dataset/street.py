"""Drawn streets: what a camera on a car sees of traffic, and where everything is."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from jslayer.datasets.base import Dataset, positive_integer
from jslayer.io.random import entropy
from jslayer.obd.dataset.camera_events import camera_events
from jslayer.obd.dataset.street_draw import draw_clip
from jslayer.obd.dataset.street_motion import Scene, random_scene
from jslayer.obd.dataset.street_objects import CLASSES
from jslayer.obd.padding import IGNORE, OBJECT, largest_first
from jslayer.ops import check

Split = Literal["train", "validation", "test"]
_SPLITS = ("train", "validation", "test")


class Clip(NamedTuple):
    """A clip and all that is known of it.

    Attributes:
      x: ``[3, H, W, T]`` frames, or events ``[2, H, W, T]``.
      rows: ``[T, M, 6]`` float32. Boxes in fractions of the frame, confidence 1, label.
      kind: ``[T, M]`` int8: 1 object, 0 none, -1 hidden or tiny.
      track: ``[T, M]`` int32. Number of the object within the clip, -1 for none.
      visible: ``[T, M]`` float32. Share of the object that is in the frame and not hidden.
    """

    x: np.ndarray
    rows: np.ndarray
    kind: np.ndarray
    track: np.ndarray
    visible: np.ndarray


class SyntheticStreet(Dataset):
    """Short clips of street traffic with boxes, for object detection; needs no file.

    ``ds[i] -> (x, rows, kind, track)``, see ``Clip``; ``ds.clip(i)`` adds the visible shares. A
    third of the cameras stands still; the others drive through a street of houses, trees and
    poles. Objects come and go, hide one another, walk and pedal; cars, trucks and buses, persons,
    cyclists and signs have colours at random, so that only their form tells them apart. An object
    is to be ignored where less than 35 % of it is visible, or it is less than 6 pixels high or 3
    wide.

    Args:
      num_samples: Clips. The first ones stay the same when there are more.
      split: ``"train"``, ``"validation"`` or ``"test"``; they share no clip.
      seed: An integer or several, from 0 on.
      num_steps: Frames ``T``.
      size: Height and width of a frame, in pixels.
      speed: Of the camera, in metres per second; ``None``: 0 in a third of the clips, else 1 to 12.
      fps: Frames per second.
      objects: Least and largest number of objects of a clip, of which some may be out of sight.
      noise: Standard deviation of noise in each value of each frame; it changes every pixel.
      most: Rows ``M`` of a frame.
      events: ``x`` is what an event camera says, channel 0 ON and 1 OFF, instead of frames.
      dtype: Of frames: ``float32`` in [0, 1], in steps of 1 / 255, or ``uint8``.

    Attributes:
      classes: Names of the labels.

    Raises:
      TypeError: A number of something is no integer.
      ValueError: An argument is out of range.

    Example:
      >>> x, rows, kind, track = SyntheticStreet(1, num_steps=2)[0]
      >>> x.shape, rows.shape, kind.shape, track.shape
      ((3, 96, 160, 2), (2, 16, 6), (2, 16), (2, 16))
    """

    classes = CLASSES

    def __init__(
        self,
        num_samples: int = 200,
        *,
        split: Split = "train",
        seed: int | Sequence[int] = 0,
        num_steps: int = 8,
        size: tuple[int, int] = (96, 160),
        speed: float | None = None,
        fps: float = 30.0,
        objects: tuple[int, int] = (3, 9),
        noise: float = 0.0,
        most: int = 16,
        events: bool = False,
        dtype: Any = np.float32,
    ):
        self._count = positive_integer("num_samples", num_samples)
        self.num_steps = positive_integer("num_steps", num_steps)
        self.size = positive_integer("size", size[0]), positive_integer("size", size[1])
        self.most = positive_integer("most", most)
        check.choice("split", split, _SPLITS)
        check.positive("fps", fps)
        for name, value in (("noise", noise), ("speed", 0.0 if speed is None else speed)):
            if not 0 <= value < np.inf:
                raise ValueError(
                    f"`{name}` is {value}, expected a number from 0 on; choose another."
                )
        if not 0 <= objects[0] <= objects[1] <= most:
            raise ValueError(
                f"`objects` is {tuple(objects)}, expected a least and a largest number of at most "
                f"`most` ({most}); choose others."
            )
        self.dtype = np.dtype(dtype)
        check.choice("dtype", self.dtype, (np.dtype(np.float32), np.dtype(np.uint8)))
        self.events = bool(events)
        self._speed, self._fps, self._noise = speed, fps, noise
        self._objects = int(objects[0]), int(objects[1])
        self._start = (*entropy(seed), 1 + _SPLITS.index(split))

    def __len__(self) -> int:
        return self._count

    def scene(self, index: int) -> Scene:
        """Returns what is in a clip, before it is drawn."""
        rng, colours, _ = self._streams(index)
        return random_scene(
            rng,
            colours,
            size=self.size,
            num_steps=self.num_steps,
            fps=self._fps,
            speed=self._speed,
            objects=self._objects,
        )

    def clip(self, index: int) -> Clip:
        """Draws one clip with all that is known of it."""
        index = self.number(index)
        scene = self.scene(index)
        # An event camera needs to know what was there before the first frame.
        first = -1 if self.events else 0
        levels, seen = draw_clip(scene, first, self.num_steps, self.size)
        if self._noise:
            _, _, rng = self._streams(index)
            levels += 255 * self._noise * rng.standard_normal(levels.shape, np.float32)
        levels = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
        x = np.ascontiguousarray(np.moveaxis(levels, (0, 3), (3, 0)))
        if self.events:
            x = camera_events(x)
        elif self.dtype != np.uint8:
            x = x.astype(np.float32) / np.float32(255)
        return Clip(x, *self._tables(seen[-first:]))

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, ...]:
        """Draws ``x [N, C, H, W, T]``, ``rows [N, T, M, 6]``, ``kind`` and ``track [N, T, M]``."""
        clips = [self.clip(int(index))[:4] for index in indices]
        return tuple(np.stack(part) for part in zip(*clips, strict=True))

    def _streams(self, index: int) -> list[np.random.Generator]:
        return np.random.default_rng((*self._start, int(index) + 1)).spawn(3)

    def _tables(self, seen: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """Rows, kinds, tracks and visible shares of all frames, from what was drawn."""
        shape = (len(seen), self.most)
        rows, kind = np.zeros((*shape, 6), np.float32), np.zeros(shape, np.int8)
        track, visible = np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
        height, width = self.size
        for t, found in enumerate(seen):
            found = found[largest_first(found)]
            count = len(found)
            rows[t, :count, :4] = found[:, :4] / [width, height, width, height]
            rows[t, :count, 4:] = np.stack([np.ones(count), found[:, 4]], axis=1)
            clear = (found[:, 6] > 0.35) & (found[:, 3] >= 6) & (found[:, 2] >= 3)
            kind[t, :count] = np.where(clear, OBJECT, IGNORE)
            track[t, :count], visible[t, :count] = found[:, 5], found[:, 6]
        return rows, kind, track, visible
