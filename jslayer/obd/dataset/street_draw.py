"""Draws a scene, the far things first, and notes where everything is and how much of it is seen."""

from collections.abc import Sequence

import numpy as np

from jslayer.obd.dataset.street_motion import CAMERA_M, Scene, Thing
from jslayer.obd.dataset.street_objects import SIGN, SPRITE, sprite
from jslayer.obd.dataset.street_view import empty_street

_NEAR_M, _FAR_M = 2.2, 60.0
_HAZE, _HAZE_COLOUR = 0.35, 175.0
_FADE_M = 4.0  # over which scenery comes out of the distance


def draw_clip(
    scene: Scene, first: int, stop: int, size: tuple[int, int]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Draws the frames ``first`` to ``stop`` (exclusive) of a scene.

    Args:
      scene: What there is.
      first: Number of the first frame.
      stop: Number after that of the last.
      size: Height and width, in pixels.

    Returns:
      ``[frames, H, W, 3]`` float32, 0 to 255 and, in bright light, above; for every frame the
      objects ``[n, 7]`` in it: x, y, width, height in pixels, label, track, visible share.
    """
    frames = np.empty((stop - first, *size, 3), np.float32)
    seen = []
    sprites: dict[tuple[int, int], np.ndarray] = {}
    street: dict[tuple[float, ...], np.ndarray] = {}
    amplitude, rate, phase = scene.sway
    for frame, step in zip(frames, range(first, stop), strict=True):
        middle = size[1] / 2 + amplitude * np.sin(rate * step + phase)
        horizon = scene.horizon + scene.shake * np.sin(1.9 * step + phase)
        view = (scene.start + scene.speed * step, middle, horizon)
        if view not in street:  # a camera that stands still sees the same street
            street = {view: empty_street(scene, *view, size)}
        frame[:] = street[view]
        seen.append(_things(frame, scene, step, middle, horizon, sprites))
        frame *= (scene.light * (1 + scene.drift * step) * scene.tint).astype(np.float32)
    return frames, seen


def _things(
    frame: np.ndarray,
    scene: Scene,
    step: int,
    middle: float,
    horizon: float,
    sprites: dict[tuple[int, int], np.ndarray],
) -> np.ndarray:
    placed = [
        (number, *thing.place(step, scene.speed)) for number, thing in enumerate(scene.things)
    ]
    drawn = []
    for number, x, z in sorted(placed, key=lambda entry: -entry[2]):
        if not _NEAR_M <= z <= _FAR_M:
            continue
        thing = scene.things[number]
        scale = scene.focal / z
        width, height = thing.size[0] * scale, thing.size[1] * scale
        left = middle + x * scale - width / 2
        foot = horizon + (CAMERA_M - thing.up) * scale
        box = (left, foot - height, left + width, foot)
        if thing.look.kind == SIGN:
            _pole(frame, left + width / 2, box[3], horizon + CAMERA_M * scale, 0.06 * scale)
        elif thing.track >= 0:
            _shadow(frame, box)
        picture = int(thing.pace * (step + 1))  # from 0 on, also for the frame before the first
        if (number, picture) not in sprites:
            sprites[number, picture] = sprite(thing.look, picture)
        patch = _patch(sprites[number, picture], box, frame.shape[:2])
        if patch is None:
            continue
        area, colour, alpha = patch
        if thing.track < 0:
            fade = np.float32(min((33 - z) / _FADE_M, 1))
            colour, alpha = colour * fade, alpha * fade
        haze = np.float32(_HAZE * min(z / 50, 1))
        region = frame[area]
        region *= 1 - alpha[..., None]
        region += colour * (1 - haze) + haze * np.float32(_HAZE_COLOUR) * alpha[..., None]
        whole = width * height * float(sprites[number, picture][..., 3].mean())
        drawn.append((thing, box, area, alpha, whole))
    return _truth(drawn, frame.shape[:2])


Area = tuple[slice, slice]


def _truth(
    drawn: Sequence[tuple[Thing, tuple[float, ...], Area, np.ndarray, float]], size: tuple[int, ...]
) -> np.ndarray:
    """Objects ``[n, 7]``; the nearest were drawn last and hide the others."""
    height, width = size
    left_over = np.ones((height, width), np.float32)
    found = []
    for thing, (x0, y0, x1, y1), area, alpha, whole in reversed(drawn):
        visible = float((alpha * left_over[area]).sum()) / whole
        left_over[area] *= 1 - alpha
        if thing.track < 0 or visible <= 0:
            continue
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
        box = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
        found.append([*box, thing.look.kind, thing.track, visible])
    return np.array(found, np.float64).reshape(-1, 7)


def _patch(
    picture: np.ndarray, box: tuple[float, float, float, float], size: tuple[int, ...]
) -> tuple[Area, np.ndarray, np.ndarray] | None:
    """Part of the frame that a sprite covers, its colours times opacity, its opacity."""
    (top, bottom), (left, right) = (
        (max(0, int(np.floor(box[k]))), min(size[1 - k], int(np.ceil(box[k + 2])))) for k in (1, 0)
    )
    if top >= bottom or left >= right:
        return None
    down = _cover(box[1], box[3], top, bottom)
    across = _cover(box[0], box[2], left, right)
    squeezed = (down @ picture.reshape(SPRITE, -1)).reshape(-1, SPRITE, 4)
    made = across @ squeezed  # [rows, columns, 4]
    return (slice(top, bottom), slice(left, right)), made[..., :3], made[..., 3]


def _cover(low: float, high: float, first: int, stop: int) -> np.ndarray:
    """Part of each sprite cell in each pixel: ``[stop - first, SPRITE]``, exact to the edge."""
    edges = np.clip((np.arange(first, stop + 1) - low) / (high - low), 0, 1) * SPRITE
    reached = np.clip(edges[:, None] - np.arange(SPRITE), 0, 1)
    return ((reached[1:] - reached[:-1]) * ((high - low) / SPRITE)).astype(np.float32)


def _pole(frame: np.ndarray, column: float, top: float, foot: float, width: float) -> None:
    first, stop = max(0, int(column - width)), min(frame.shape[1], int(column + width) + 2)
    rows = slice(max(0, int(top)), max(0, min(frame.shape[0], int(foot))))
    if first >= stop:
        return
    pixel = np.arange(first, stop)
    share = np.minimum(pixel + 1, column + width / 2) - np.maximum(pixel, column - width / 2)
    share = 0.8 * np.clip(share, 0, 1).astype(np.float32)[:, None]
    frame[rows, first:stop] += share * (np.float32(90) - frame[rows, first:stop])


def _shadow(frame: np.ndarray, box: tuple[float, float, float, float]) -> None:
    left, top, right, foot = box
    depth = 0.06 * (foot - top)
    rows = np.arange(max(0, int(foot - depth)), min(frame.shape[0], int(foot + depth) + 1))
    columns = np.arange(max(0, int(left)), min(frame.shape[1], int(right) + 1))
    if not (len(rows) and len(columns)):
        return
    down = np.clip(1 - np.abs(rows + 0.5 - foot) / (depth + 0.5), 0, 1)
    across = np.clip(np.minimum(columns + 1 - left, right - columns), 0, 1)
    dark = (0.35 * down[:, None] * across).astype(np.float32)[..., None]
    frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] *= 1 - dark
