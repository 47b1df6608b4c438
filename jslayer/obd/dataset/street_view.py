"""What the camera sees of an empty street: sky, houses, road."""

import numpy as np

from jslayer.obd.dataset.street_motion import CAMERA_M, Scene

_FLOOR_M, _HOUSE_M, _WINDOW_M = 3.0, 14.0, 2.6
_LANE_M, _PAVEMENT_M = 3.6, 6.3
_LINE_M, _DASH_M, _PERIOD_M = 0.28, 3.0, 7.0
_LINE = 225.0  # brightness


def _noise() -> tuple[np.ndarray, np.ndarray]:
    """A fine and a coarse table of patches, 64 x 64, mean 0."""
    table: np.ndarray = np.random.default_rng(7).random((64, 64)).astype(np.float32)
    tables = []
    for _ in range(4):
        tables.append(table - table.mean())
        table = (table + np.roll(table, 1, 0)) / 2
        table = (table + np.roll(table, 1, 1)) / 2
        table = (table - table.mean()) * 1.3
    return tables[1], tables[3]


_FINE, _COARSE = _noise()


def empty_street(
    scene: Scene, place: float, middle: float, horizon: float, size: tuple[int, int]
) -> np.ndarray:
    """Draws sky, houses and road.

    Args:
      scene: The street.
      place: Metres along it.
      middle: Column in which the street ends.
      horizon: Row of the horizon.
      size: Height and width of the picture.

    Returns:
      ``[height, width, 3]`` float32, 0 to 255.
    """
    height, width = size
    across = np.arange(width, dtype=np.float32) - np.float32(middle - 0.5)
    down = np.arange(height, dtype=np.float32) - np.float32(horizon - 0.5)
    first = int(np.searchsorted(down, 0.5))  # row of the road's far end
    picture = np.empty((height, width, 3), np.float32)
    _houses(picture, scene, place, across, down)
    _road(picture[first:], scene, place, across, down[first:])
    return picture


def _houses(
    picture: np.ndarray, scene: Scene, place: float, across: np.ndarray, down: np.ndarray
) -> None:
    focal = np.float32(scene.focal)
    right = (across > 0).astype(int)
    ahead = focal * scene.walls.astype(np.float32)[right] / np.maximum(np.abs(across), 1)
    up = CAMERA_M - down[:, None] * (ahead / focal)
    along = ahead + np.float32(place)
    roof = scene.heights.astype(np.float32)[right] + 3 * (np.floor(along / _HOUSE_M) % 3)
    # A soft upper edge: roofs that move by parts of a pixel do not flicker.
    share = np.clip((roof - up) * (focal / ahead) + 0.5, 0, 1) * (np.abs(across) > 1)
    near = np.clip(14 / ahead, 0, 1)
    columns = ((along / _WINDOW_M) % 1 < 0.5) & (near > 0.1)
    window = columns & ((up / _FLOOR_M) % 1 < 0.55) & (up > 0.8)
    fine, coarse = _patches(along, up, 1.5)
    shade = 1 + near * (0.12 * fine - 0.38 * window) + 0.25 * coarse
    wall = scene.wall_colours.astype(np.float32)[right] * (0.72 + 0.28 * near[:, None])
    haze = (30 * (1 - near))[:, None]
    height = np.clip(-down / max(float(-down[0]), 1.0), 0, 1)[:, None, None]
    sky = scene.sky.astype(np.float32) * (1 - np.float32(0.25) * height)
    np.multiply(wall, shade[..., None], out=picture)
    picture += haze
    picture -= sky
    picture *= share[..., None]
    picture += sky


def _road(
    picture: np.ndarray, scene: Scene, place: float, across: np.ndarray, down: np.ndarray
) -> None:
    focal = np.float32(scene.focal)
    ahead = focal * CAMERA_M / down
    beside = across * (ahead / focal)[:, None]
    along = ahead + np.float32(place)
    near = np.clip(9 / ahead, 0, 1)[:, None]
    fine, coarse = _patches(beside, along[:, None], 3.0)
    ground = scene.asphalt * (
        1 + 0.14 * near * fine + 0.18 * np.clip(20 / ahead, 0, 1)[:, None] * coarse
    )
    pixel = (ahead / focal)[:, None]  # metres of a pixel
    beside = np.abs(beside)
    line = np.clip((_LINE_M / 2 - np.abs(beside - _LANE_M)) / pixel + 0.5, 0, 1)
    # Dashes melt into a faint line where they would only flicker.
    dash = np.where(ahead > 25, _DASH_M / _PERIOD_M, (along % _PERIOD_M) < _DASH_M)[:, None]
    line = np.maximum(line, np.clip((_LINE_M / 2 - beside) / pixel + 0.5, 0, 1) * dash)
    line *= np.minimum(_LINE_M / pixel, 1)
    ground += (line * (_LINE - ground)).astype(np.float32)
    pavement = np.clip((beside - _PAVEMENT_M) / pixel + 0.5, 0, 1)
    for channel, brighter in enumerate((0.25, 0.22, 0.15)):
        np.multiply(ground, 1 + np.float32(brighter) * pavement, out=picture[..., channel])


def _patches(x: np.ndarray, y: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Fine and coarse patches at places in metres; ``x`` and ``y`` broadcast."""
    fine = (x * scale).astype(np.int32) & 63, (y * scale).astype(np.int32) & 63
    coarse = (x * (scale / 4)).astype(np.int32) & 63, (y * (scale / 4)).astype(np.int32) & 63
    return _FINE[fine[1], fine[0]], _COARSE[coarse[1], coarse[0]]
