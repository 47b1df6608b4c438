"""What a camera on a car sees of a road: sky, hills, grass, lines, trees, the car's own hood."""

import numpy as np

from .road import Drive, side_m, waves

HEIGHT, WIDTH = 33, 100  # of a picture, in pixels, as in PilotNet for sigma-delta networks
HORIZON = 11.5  # rows from the top
_FOCAL = 62.0  # pixels: about 78 degrees from side to side
_CAMERA_M = 1.4  # height of the camera
_LANE_M, _LINE_M = 3.4, 0.22  # half of the road, width of its lines
_DASH_M, _DASH_PERIOD_M = 3.0, 9.0
_BAND_PERIOD_M = 16.0  # of lighter and darker grass
_TREE_GAP_M, _TREES = 17.0, 5  # between trees of one side, and how many of them are drawn
_FAR_M = 90.0  # where haze has hidden most
_CHUNK = 16  # frames drawn together, few enough to stay in the processor's cache

# Red, green, blue.
_SKY_TOP, _SKY_LOW = np.array([92, 142, 205]), np.array([196, 214, 228])
_HILL, _GRASS = np.array([104, 124, 128]), np.array([86, 128, 62])
_ASPHALT, _LINE = np.array([96, 96, 100]), np.array([232, 232, 224])
_CROWN, _TRUNK = np.array([44, 84, 46]), np.array([82, 62, 46])
_HAZE, _HOOD = np.array([132, 148, 148]), np.array([38, 40, 48])


def draw(drive: Drive, place_m: np.ndarray) -> np.ndarray:
    """Draws what the camera sees at each place along the road.

    Args:
      drive: The road and the light.
      place_m: ``[frames]``. Metres along the road.

    Returns:
      ``[frames, HEIGHT, WIDTH, 3]`` float32 in [0, 1].
    """
    picture = np.empty((len(place_m), HEIGHT, WIDTH, 3), np.float32)
    picture[:] = _sky()
    for start in range(0, len(place_m), _CHUNK):
        part, place = picture[start : start + _CHUNK], place_m[start : start + _CHUNK]
        _cover(part, _hills(drive, waves(drive, place, 1)), _HILL)
        _ground(part, drive, place)
        for slot in reversed(range(_TREES)):  # far ones first
            _trees(part, drive, place, slot)
        _cover(part, _hood(), _HOOD)
    picture *= np.float32(drive.light / 255)
    return np.clip(picture, 0, 1, out=picture)


def _cover(picture: np.ndarray, share: np.ndarray, colour: np.ndarray) -> None:
    """Paints ``colour`` over the part ``share`` of each pixel, in place."""
    share = share.astype(np.float32)[..., None]
    picture += share * (colour.astype(np.float32) - picture)


def _sky() -> np.ndarray:
    height = np.clip(np.arange(HEIGHT) / HORIZON, 0, 1)[:, None, None]
    return _SKY_TOP + height * (_SKY_LOW - _SKY_TOP)


def _hills(drive: Drive, heading: np.ndarray) -> np.ndarray:
    # They are far away: they turn with the car and do not come nearer.
    column = (np.arange(WIDTH) - (WIDTH - 1) / 2) / _FOCAL
    angle = heading[:, None] + np.arctan(column)
    top = np.full(angle.shape, HORIZON - 2.2)
    for number, (height, phase) in enumerate(drive.hills):
        top -= height * np.sin((3 + 4 * number) * angle + phase) / (1 + number)
    return np.clip(np.arange(HEIGHT)[:, None] + 0.5 - top[:, None, :], 0, 1)


def _hood() -> np.ndarray:
    column = (np.arange(WIDTH) - (WIDTH - 1) / 2) / (WIDTH / 2)
    top = HEIGHT - 2.6 + 2.2 * column**2
    return np.clip(np.arange(HEIGHT)[:, None] + 0.5 - top, 0, 1)


def _ground(picture: np.ndarray, drive: Drive, place: np.ndarray) -> None:
    rows = np.arange(int(np.ceil(HORIZON)), HEIGHT)
    edges = np.maximum(rows[:, None] + [0.0, 1.0] - HORIZON, _FOCAL * _CAMERA_M / _FAR_M / 4)
    far, near = (_FOCAL * _CAMERA_M / edges).T  # metres ahead at the upper and lower edge
    ahead = _FOCAL * _CAMERA_M / (rows + 0.5 - HORIZON)
    haze = 0.75 * np.clip(ahead / _FAR_M, 0, 1)[:, None, None]

    bands = _part(place[:, None], near, far, _BAND_PERIOD_M, 0.5)
    bands = np.where(ahead > 20, 0.5, bands)  # beyond, they would only flicker
    ground = np.empty((len(place), len(rows), WIDTH, 3), np.float32)
    ground[:] = (_GRASS + (bands[..., None] - 0.5) * [10, 14, 8])[:, :, None]

    pixels_per_m = (_FOCAL / ahead)[:, None]
    middle = side_m(drive, place[:, None], ahead)[..., None] * pixels_per_m + (WIDTH - 1) / 2
    column = np.arange(WIDTH) - middle  # [frames, rows, WIDTH]
    half, line = _LANE_M * pixels_per_m, _LINE_M * pixels_per_m
    _cover(ground, np.clip(half - np.abs(column) + 0.5, 0, 1), _ASPHALT)
    border = _strip(np.abs(column) - (half - 1.5 * line), line)
    _cover(ground, border, _LINE)
    dashes = _part(place[:, None], near, far, _DASH_PERIOD_M, _DASH_M / _DASH_PERIOD_M)
    _cover(ground, _strip(column, line) * dashes[..., None], _LINE)
    ground += haze.astype(np.float32) * (_HAZE.astype(np.float32) - ground)
    share = np.clip(rows + 1 - HORIZON, 0, 1)[:, None, None].astype(np.float32)
    picture[:, rows] += share * (ground - picture[:, rows])


def _strip(distance: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Part of each pixel that a strip covers, whose middle is at ``distance`` 0."""
    return np.clip(width / 2 - np.abs(distance) + 0.5, 0, np.minimum(width, 1))


def _part(
    place: np.ndarray, near: np.ndarray, far: np.ndarray, period: float, share: float
) -> np.ndarray:
    """Part of the way from ``near`` to ``far`` that lies in the first ``share`` of a period."""

    def integral(at: np.ndarray) -> np.ndarray:
        whole, rest = np.divmod(at / period, 1)
        return period * (whole * share + np.minimum(rest, share))

    return (integral(place + far) - integral(place + near)) / (far - near)


def _trees(picture: np.ndarray, drive: Drive, place: np.ndarray, slot: int) -> None:
    for side, sign in enumerate((-1, 1)):
        number = np.floor(place / _TREE_GAP_M + side / 2).astype(int) + slot + 1
        ahead = (number - side / 2) * _TREE_GAP_M - place
        height_m = drive.trees[side, number % drive.trees.shape[1]]
        # A tree fades in at the far end, and is gone when it has passed the camera.
        shown = np.clip((_TREES * _TREE_GAP_M - ahead) / 12, 0, 1) * (ahead > 3.0) * (height_m > 0)
        scale = _FOCAL / np.maximum(ahead, 3.0)
        beside = side_m(drive, place, ahead) + sign * (_LANE_M + 3.6)
        _tree(picture, beside * scale + (WIDTH - 1) / 2, scale, height_m, shown)


def _tree(
    picture: np.ndarray,
    middle: np.ndarray,
    scale: np.ndarray,
    height_m: np.ndarray,
    shown: np.ndarray,
) -> None:
    foot = HORIZON + _CAMERA_M * scale
    top = foot - height_m * scale
    radius = 0.26 * height_m * scale
    # Only the part of the picture that the tree touches in any frame.
    seen = shown > 0
    if not seen.any():
        return
    left = max(0, int(np.floor((middle - radius)[seen].min())) - 1)
    right = min(WIDTH, int(np.ceil((middle + radius)[seen].max())) + 2)
    upper = max(0, int(np.floor(top[seen].min())) - 1)
    lower = min(HEIGHT, int(np.ceil(foot[seen].max())) + 1)
    if left >= right or upper >= lower:
        return
    part = picture[:, upper:lower, left:right]
    row, column = np.arange(upper, lower)[:, None], np.arange(left, right)
    middle, foot, top, radius, shown = (
        value[:, None, None] for value in (middle, foot, top, radius, shown)
    )
    beside = np.abs(column - middle)
    stem = np.clip(0.1 * radius + 0.5 - beside, 0, 1)
    stem = stem * np.clip(np.minimum(foot - row, row + 1 - top), 0, 1)
    _cover(part, stem * shown, _TRUNK)
    # A crown is a circle above the trunk.
    distance = np.hypot(beside, (row + 0.5 - (top + radius)) * 0.9)
    _cover(part, np.clip(radius - distance + 0.5, 0, 1) * shown, _CROWN)
