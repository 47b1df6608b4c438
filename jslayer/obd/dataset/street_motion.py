"""What there is in a street, and how it and the camera move: a scene, drawn at random."""

import dataclasses

import numpy as np

from jslayer.obd.dataset.street_objects import (
    CAR,
    CYCLIST,
    PERSON,
    POLE,
    SIGN,
    SIZES,
    TREE,
    TRUCK,
    Look,
    random_palette,
)

CAMERA_M = 1.4  # height of the camera
_SHARES = (0.36, 0.12, 0.26, 0.13, 0.13)  # of the classes
_AHEAD_M = {CAR: (6, 34), TRUCK: (9, 42), PERSON: (4.5, 20), CYCLIST: (4.5, 20), SIGN: (6, 24)}
_PARKED = 0.35  # share of the clips whose camera stands still
_SCENERY_M = 30.0  # a tree that was passed comes again so far ahead


@dataclasses.dataclass(frozen=True)
class Thing:
    """Something in the street; positions in metres from the camera, speeds per frame.

    Attributes:
      track: Number within the clip, -1 for scenery.
      x: To the right, in the frame ``when``.
      z: Ahead, likewise.
      vx: Speed to the right.
      vz: Speed away from where the camera was.
      when: The frame in which it is at ``x, z``; may lie between two.
      up: Height of its lower edge above the ground.
      size: Width and height.
      pace: Pictures of the gait for each frame.
      look: How it looks.
    """

    track: int
    x: float
    z: float
    vx: float
    vz: float
    when: float
    up: float
    size: tuple[float, float]
    pace: float
    look: Look

    def place(self, step: int, speed: float) -> tuple[float, float]:
        """Returns x and z in a frame, for a camera of this speed (metres per frame)."""
        since = step - self.when
        if self.track < 0:  # scenery comes again
            return self.x, (self.z - speed * step - 3) % _SCENERY_M + 3
        return self.x + self.vx * since, self.z + (self.vz - speed) * since


@dataclasses.dataclass(frozen=True)
class Scene:
    """A street and the camera in it.

    Attributes:
      focal: Focal length, in pixels.
      horizon: Row of the horizon.
      speed: Of the camera, in metres per frame.
      start: Metres along the street, in frame 0.
      sway: Amplitude in pixels, radians per frame and phase of slow turns.
      shake: Amplitude of quick nods, in pixels.
      walls: Distance of the houses left and right, in metres.
      heights: Of the houses left and right, in metres.
      wall_colours: ``[2, 3]``.
      sky: ``[3]``.
      asphalt: Brightness of the road.
      light: Brightness of frame 0.
      drift: Change of it from frame to frame.
      tint: ``[3]`` factor of the colours.
      things: All there is.
    """

    focal: float
    horizon: float
    speed: float
    start: float
    sway: tuple[float, float, float]
    shake: float
    walls: np.ndarray
    heights: np.ndarray
    wall_colours: np.ndarray
    sky: np.ndarray
    asphalt: float
    light: float
    drift: float
    tint: np.ndarray
    things: tuple[Thing, ...]


def random_scene(
    rng: np.random.Generator,
    colours: np.random.Generator,
    *,
    size: tuple[int, int],
    num_steps: int,
    fps: float,
    speed: float | None,
    objects: tuple[int, int],
) -> Scene:
    """Draws a scene.

    Args:
      rng: For places, sizes and speeds.
      colours: For colours and light alone.
      size: Height and width of a frame, in pixels.
      num_steps: Frames of the clip.
      fps: Frames per second.
      speed: Of the camera, in metres per second; ``None``: standing, or 1 to 12.
      objects: Least and largest number of things to look for.
    """
    height, width = size
    focal = width / 2 / np.tan(np.radians(rng.uniform(52, 66)) / 2)
    horizon = height * rng.uniform(0.38, 0.46)
    parked, quick = rng.random() < _PARKED, rng.uniform(1, 12)
    if speed is None:
        speed = 0.0 if parked else quick
    moves = speed > 0
    sway = (3 * rng.uniform(0, 1.2) * moves, rng.uniform(0.02, 0.08), rng.uniform(0, 2 * np.pi))
    shake = rng.uniform(0, 0.35) * moves
    aspect = width / focal
    things = [
        _thing(rng, colours, track, aspect, num_steps, fps)
        for track in range(rng.integers(*objects, endpoint=True))
    ]
    things += [_scenery(rng, colours) for _ in range(rng.integers(1, 5))]
    return Scene(
        focal=float(focal),
        horizon=horizon,
        speed=speed / fps,
        start=rng.uniform(0, 500),
        sway=sway,
        shake=shake,
        walls=rng.uniform(8.5, 13, 2),
        heights=rng.uniform(5, 16, 2),
        wall_colours=colours.uniform(70, 185, (2, 3)) * [1.05, 1.0, 0.93],
        sky=colours.uniform([120, 150, 185], [200, 215, 240]),
        asphalt=colours.uniform(72, 118),
        light=colours.uniform(0.55, 1.12),
        drift=colours.uniform(-0.004, 0.004),
        tint=1 + colours.uniform(-0.06, 0.06, 3),
        things=tuple(things),
    )


def _thing(
    rng: np.random.Generator,
    colours: np.random.Generator,
    track: int,
    aspect: float,
    num_steps: int,
    fps: float,
) -> Thing:
    kind = int(rng.choice(5, p=_SHARES))
    z = float(np.exp(rng.uniform(*np.log(_AHEAD_M[kind]))))
    vx = vz = up = 0.0
    side, rear = "end", False
    if kind in (CAR, TRUCK):
        lane = rng.integers(4)
        if lane == 0:  # ahead of the camera, the same way
            rear, x, vz = True, 1.7 + 0.2 * rng.standard_normal(), rng.uniform(0, 12)
        elif lane == 1:  # towards it
            x, vz = -1.9 + 0.2 * rng.standard_normal(), -rng.uniform(2, 12)
        elif lane == 2:  # parked at the side
            rear, x = bool(rng.random() < 0.5), 5.2 * _sign(rng)
        else:  # crossing
            side, x, vx = (
                "side",
                rng.uniform(-0.33, 0.33) * z * aspect,
                _sign(rng) * rng.uniform(2, 8),
            )
    elif kind in (PERSON, CYCLIST):
        x = rng.uniform(-0.45, 0.45) * z * aspect
        pace = rng.uniform(0.6, 1.8) if kind == PERSON else rng.uniform(2.5, 5)
        way = rng.integers(3)
        rear = bool(way == 1)
        if way == 0:
            side, vx = "side", _sign(rng) * pace
        else:
            vz = pace if rear else -pace
    else:
        x, up = _sign(rng) * rng.uniform(3.6, 6.5), rng.uniform(1.6, 2.6)
    width, height = np.array(SIZES[kind, side]) * rng.uniform(0.88, 1.12, 2)
    look = Look(
        kind=kind,
        side=side,
        variant=int(rng.integers(3)),
        mirrored=bool(vx < 0),
        palette=random_palette(colours, rear=rear),
        texture=(0.16 * colours.standard_normal((8, 8))).astype(np.float32),
    )
    when, step = rng.uniform(0, num_steps), rng.uniform(0.25, 0.5) * 30 / fps
    speeds = float(vx) / fps, float(vz) / fps
    return Thing(track, float(x), z, *speeds, when, float(up), (width, height), step, look)


def _scenery(rng: np.random.Generator, colours: np.random.Generator) -> Thing:
    kind = TREE if rng.random() < 0.6 else POLE
    x, z = _sign(rng) * rng.uniform(4.5, 8), rng.uniform(5, 30)
    palette = random_palette(colours, rear=False)
    if colours.random() < 0.7:
        palette[1] = np.array([45, 88, 44]) * colours.uniform(0.7, 1.3)
    texture = (0.3 * colours.standard_normal((8, 8))).astype(np.float32)
    look = Look(kind, "end", 0, False, palette, texture)
    width, height = SIZES[kind, "end"]
    return Thing(-1, x, z, 0.0, 0.0, 0.0, 0.0, (width, height), 0.0, look)


def _sign(rng: np.random.Generator) -> int:
    return 1 if rng.random() < 0.5 else -1
