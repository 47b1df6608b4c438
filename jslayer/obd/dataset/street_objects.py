"""What the things of a street look like: forms, and the colours that fill them.

A form is a map of parts, the same for all things of a kind, view and step of the gait; its colours
come from a palette of each thing's own. So no class can be told by its colours, and boxes do not
depend on them.
"""

import dataclasses
import functools

import numpy as np

CLASSES = ("car", "truck", "person", "cyclist", "sign")
CAR, TRUCK, PERSON, CYCLIST, SIGN = range(5)
TREE, POLE = -1, -2  # scenery: hides, and is not looked for

SPRITE = 32  # pixels along each side
GAIT = 4  # pictures of one step
_FINE = 2 * SPRITE

# Parts of a form, in the order of a palette.
_NOTHING, _FIRST, _SECOND, _DARK, _GLASS, _METAL, _LAMP, _PLATE, _SKIN, _HAIR, _LIGHT = range(11)
_PARTS = 11

SIZES = {
    (CAR, "end"): (1.8, 1.5),
    (CAR, "side"): (4.3, 1.5),
    (TRUCK, "end"): (2.5, 3.2),
    (TRUCK, "side"): (7.0, 3.0),
    (PERSON, "end"): (0.65, 1.75),
    (PERSON, "side"): (0.65, 1.75),
    (CYCLIST, "end"): (0.7, 1.75),
    (CYCLIST, "side"): (1.75, 1.75),
    (SIGN, "end"): (0.8, 0.8),
    (TREE, "end"): (2.6, 4.5),
    (POLE, "end"): (0.3, 4.0),
}
"""Width and height in metres, by kind and side from which it is seen."""


@dataclasses.dataclass(frozen=True)
class Look:
    """How one thing looks.

    Attributes:
      kind: Class, or a kind of scenery.
      side: ``"end"`` (from the front or back) or ``"side"``.
      variant: 0 to 2; which of several forms.
      mirrored: Left and right are swapped.
      palette: ``[parts, 3]`` float32, colours of the parts, 0 to 255.
      texture: ``[8, 8]`` float32, brighter and darker patches.
    """

    kind: int
    side: str
    variant: int
    mirrored: bool
    palette: np.ndarray
    texture: np.ndarray


def random_palette(rng: np.random.Generator, *, rear: bool) -> np.ndarray:
    """Draws colours of all parts; ``rear`` makes the lamps red."""
    palette = np.zeros((_PARTS, 3), np.float32)
    palette[_FIRST], palette[_SECOND] = rng.uniform(25, 235, (2, 3))
    palette[_DARK] = rng.uniform(18, 34)
    palette[_GLASS] = rng.uniform([36, 46, 56], [60, 74, 90])
    palette[_METAL] = rng.uniform(90, 150)
    palette[_LAMP] = (205, 30, 30) if rear else (240, 238, 215)
    palette[_PLATE] = (215, 215, 205)
    palette[_SKIN] = np.array([214, 168, 140]) * rng.uniform(0.45, 1.05)
    palette[_HAIR] = rng.uniform(15, 150, 3)
    palette[_LIGHT] = rng.uniform(190, 240)
    return palette


def sprite(look: Look, step: int) -> np.ndarray:
    """Draws a thing into its box.

    Args:
      look: Form and colours.
      step: Of the gait, from 0 on.

    Returns:
      ``[SPRITE, SPRITE, 4]`` float32: colours times opacity (0 to 255), and opacity (0 to 1).
    """
    form = _form(look.kind, look.side, look.variant, step % GAIT if walks(look.kind) else 0)
    colours = np.concatenate([look.palette, np.ones((_PARTS, 1), np.float32)], axis=1)
    colours[_NOTHING] = 0
    # Painted at twice the size: edges become soft.
    painted = colours[form].reshape(SPRITE, 2, SPRITE, 2, 4)
    painted = (
        painted[:, 0, :, 0] + painted[:, 1, :, 1] + painted[:, 0, :, 1] + painted[:, 1, :, 0]
    ) / 4
    if look.kind != SIGN:
        patches = look.texture.repeat(SPRITE // 8, 0).repeat(SPRITE // 8, 1)
        painted[..., :3] *= ((1 + patches) * _SHADE)[..., None]
    return painted[:, ::-1] if look.mirrored else painted


def walks(kind: int) -> bool:
    """True for what moves its legs."""
    return kind in (PERSON, CYCLIST)


_SHADE = (1.08 - 0.25 * (np.arange(SPRITE) + 0.5) / SPRITE).astype(np.float32)[:, None]


@functools.cache
def _form(kind: int, side: str, variant: int, step: int) -> np.ndarray:
    """Map of parts ``[_FINE, _FINE]``."""
    canvas = _Canvas()
    phase = 2 * np.pi * step / GAIT
    match kind, side:
        case (0, "side"):
            _car_side(canvas, variant)
        case (0, _):
            _car_end(canvas, variant)
        case (1, _):
            _truck(canvas, variant, side == "side")
        case (2, _):
            _person(canvas, phase)
        case (3, "side"):
            _cyclist_side(canvas, phase)
        case (3, _):
            _cyclist_end(canvas, phase)
        case (4, _):
            _sign(canvas, variant)
        case (-1, _):
            canvas.put(_FIRST, np.hypot(canvas.x - 0.5, canvas.y - 0.3) < 0.3)
            canvas.put(_DARK, (np.abs(canvas.x - 0.5) < 0.05) & (canvas.y > 0.5))
        case _:
            canvas.put(_METAL, np.abs(canvas.x - 0.5) < 0.3)
    canvas.form.flags.writeable = False
    return canvas.form


class _Canvas:
    """A map of parts to draw on, and its coordinates from 0 to 1."""

    def __init__(self) -> None:
        self.y, self.x = (np.mgrid[0:_FINE, 0:_FINE] + 0.5) / _FINE
        self.form = np.zeros((_FINE, _FINE), np.uint8)

    def put(self, part: int, where: np.ndarray) -> None:
        self.form[where] = part


def _car_side(canvas: _Canvas, variant: int) -> None:
    x, y = canvas.x, canvas.y
    roof = (0.34, 0.38, 0.42)[variant]  # saloon to estate
    canvas.put(_FIRST, (y > 0.42) & (y < 0.85))
    slope = np.abs(x - 0.5) < roof - 0.28 * (0.42 - y)
    canvas.put(_FIRST, (y > 0.06) & (y <= 0.42) & slope)
    glass = np.abs(x - 0.5) < roof - 0.05 - 0.28 * (0.42 - y)
    canvas.put(_GLASS, (y > 0.13) & (y <= 0.40) & glass & (np.abs(x - 0.52) > 0.015))
    canvas.put(_LAMP, (y > 0.48) & (y < 0.58) & (x < 0.035))
    for middle in (0.22, 0.78):
        radius = np.hypot((x - middle) * 2.87, y - 0.83)
        canvas.put(_DARK, radius < 0.17)
        canvas.put(_METAL, radius < 0.08)


def _car_end(canvas: _Canvas, variant: int) -> None:
    x, y = canvas.x, canvas.y
    top = (0.02, 0.05, 0.09)[variant]
    canvas.put(_FIRST, (y > 0.38) & (y < 0.9))
    canvas.put(_FIRST, (y > top) & (y <= 0.38) & (np.abs(x - 0.5) < 0.40 - 0.25 * (0.38 - y)))
    canvas.put(
        _GLASS, (y > top + 0.06) & (y <= 0.36) & (np.abs(x - 0.5) < 0.35 - 0.25 * (0.38 - y))
    )
    canvas.put(_DARK, (y > 0.8) & ((x < 0.2) | (x > 0.8)))
    canvas.put(_LAMP, (y > 0.45) & (y < 0.58) & ((x < 0.17) | (x > 0.83)))
    canvas.put(_PLATE, (y > 0.60) & (y < 0.72) & (np.abs(x - 0.5) < 0.14))
    canvas.put(_DARK, (y > 0.72) & (y < 0.8))


def _truck(canvas: _Canvas, variant: int, side: bool) -> None:
    x, y = canvas.x, canvas.y
    canvas.put(_FIRST, y < 0.93)
    if variant == 0:  # a bus
        canvas.put(_GLASS, (y > 0.12) & (y < 0.42) & (np.abs(x - 0.5) < 0.45))
        if side:
            canvas.put(_FIRST, (y > 0.12) & (y < 0.42) & ((x * 8) % 1 < 0.12))
    else:
        canvas.put(_SECOND, (y > 0.05) & (y < 0.70) & (np.abs(x - 0.5) < 0.46))
        canvas.put(_FIRST, (np.abs(x - 0.5) < 0.012) & (y < 0.7))
        if side:
            canvas.put(_FIRST, (x < 0.2) & (y < 0.93))
            canvas.put(_NOTHING, (x < 0.2) & (y < 0.2))
            canvas.put(_GLASS, (x < 0.15) & (y > 0.27) & (y < 0.5))
    canvas.put(_METAL, (y > 0.78) & (y < 0.93))
    if side:
        for middle in (0.15, 0.72, 0.87):
            canvas.put(_DARK, np.hypot((x - middle) * 2.4, y - 0.9) < 0.10)
    else:
        canvas.put(_DARK, (y > 0.88) & ((x < 0.22) | (x > 0.78)))
        canvas.put(_LAMP, (y > 0.80) & (y < 0.87) & ((x < 0.15) | (x > 0.85)))


def _person(canvas: _Canvas, phase: float) -> None:
    x, y = canvas.x, canvas.y
    swing = 0.22 * np.sin(phase)
    for sign in (-1, 1):
        leg = np.abs(x - (0.5 + sign * (0.10 + swing * (y - 0.55) * 1.5)))
        canvas.put(_SECOND, (y > 0.52) & (y < 0.99) & (leg < 0.11))
    body = np.abs(x - 0.5) < 0.30 - 0.1 * np.abs(y - 0.3)
    canvas.put(_FIRST, (y > 0.16) & (y < 0.56) & body)
    for sign in (-1, 1):
        arm = np.abs(x - (0.5 + sign * (0.36 - 0.3 * sign * swing * (y - 0.2))))
        canvas.put(_SKIN, (y > 0.19) & (y < 0.54) & (arm < 0.08))
    head = np.hypot((x - 0.5) * 0.36, y - 0.085) < 0.083
    canvas.put(_SKIN, head)
    canvas.put(_HAIR, head & (y < 0.075))


def _cyclist_side(canvas: _Canvas, phase: float) -> None:
    x, y = canvas.x, canvas.y
    for middle in (0.21, 0.79):
        radius = np.hypot(x - middle, y - 0.79)
        canvas.put(_DARK, (radius < 0.205) & (radius > 0.14))
    frame = np.abs(y - (0.62 + 0.3 * np.abs(x - 0.5)))
    canvas.put(_SECOND, (frame < 0.03) & (np.abs(x - 0.5) < 0.3))
    body = np.abs(x - (0.62 - 0.45 * (y - 0.15)))
    canvas.put(_FIRST, (y > 0.17) & (y < 0.55) & (body < 0.10))
    for sign in (-1, 1):
        leg = np.abs(x - (0.46 + sign * 0.08 * np.sin(phase) * (y - 0.5) * 4))
        canvas.put(_SECOND, (y > 0.5) & (y < 0.86) & (leg < 0.05))
    arm = np.abs(y - (0.27 + 0.9 * (x - 0.62)))
    canvas.put(_SKIN, (arm < 0.035) & (x > 0.62) & (x < 0.8))
    head = np.hypot(x - 0.64, y - 0.09) < 0.088
    canvas.put(_SKIN, head)
    canvas.put(_HAIR, head & (y < 0.085))


def _cyclist_end(canvas: _Canvas, phase: float) -> None:
    x, y = canvas.x, canvas.y
    canvas.put(_DARK, (y > 0.56) & (np.abs(x - 0.5) < 0.07))
    for sign in (-1, 1):
        low = 0.82 + 0.08 * sign * np.sin(phase)
        canvas.put(_SECOND, (y > 0.5) & (y < low) & (np.abs(x - 0.5 - sign * 0.16) < 0.09))
    canvas.put(_FIRST, (y > 0.17) & (y < 0.55) & (np.abs(x - 0.5) < 0.30))
    canvas.put(_METAL, (np.abs(y - 0.47) < 0.03) & (np.abs(x - 0.5) < 0.49))
    head = np.hypot((x - 0.5) * 0.4, y - 0.09) < 0.088
    canvas.put(_SKIN, head)
    canvas.put(_HAIR, head & (y < 0.085))


def _sign(canvas: _Canvas, variant: int) -> None:
    x, y = canvas.x, canvas.y
    if variant == 0:
        radius = np.hypot(x - 0.5, y - 0.5)
        canvas.put(_FIRST, radius < 0.5)
        canvas.put(_LIGHT, radius < 0.36)
        canvas.put(_DARK, (np.abs(y - 0.5) < 0.1) & (np.abs(x - 0.5) < 0.22))
    elif variant == 1:
        canvas.put(_FIRST, np.abs(x - 0.5) < 0.5 * y)
        canvas.put(_LIGHT, (np.abs(x - 0.5) < 0.5 * y - 0.17) & (y < 0.88))
    else:
        diamond = np.abs(x - 0.5) + np.abs(y - 0.5)
        canvas.put(_LIGHT, diamond < 0.5)
        canvas.put(_FIRST, diamond < 0.36)
