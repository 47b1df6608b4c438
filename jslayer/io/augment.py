"""Random changes to events that a network should not mind, each fixed by its seed.

Every function takes an ``Event`` and a keyword ``seed`` (an integer, several, or a NumPy
generator) and returns a new ``Event``. ``compose`` puts them in a row.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jslayer.ops import check

from . import geometry
from .event import Event
from .random import Seed, generator

__all__ = [
    "compose",
    "drop",
    "jitter_time",
    "noise",
    "random_flip",
    "random_rotate",
    "random_shift",
    "random_stretch",
]


def __dir__() -> list[str]:
    return __all__


def random_shift(event: Event, limit: int, *, seed: Seed) -> Event:
    """Moves a 2-d set by up to ``limit`` pixels each way, a 1-d set by up to ``limit`` ids.

    Args:
      event: 1-d or 2-d.
      limit: From 0 on.
      seed: Fixes the movement.
    """
    _not_negative("limit", limit)
    x, y = generator(seed).integers(-limit, limit, 2, endpoint=True)
    return geometry.shift(event, int(x), 0 if event.y is None else int(y))


def random_rotate(event: Event, degrees: float, size: tuple[int, int], *, seed: Seed) -> Event:
    """Turns a 2-d set by an angle drawn evenly from ``-degrees`` to ``degrees``.

    Args:
      event: 2-d.
      degrees: Largest angle, from 0 on.
      size: Height and width of the camera, in pixels.
      seed: Fixes the angle.
    """
    _not_negative("degrees", degrees)
    return geometry.rotate(event, generator(seed).uniform(-degrees, degrees), size)


def random_flip(
    event: Event, size: tuple[int, int], *, x: float = 0.5, y: float = 0.0, seed: Seed
) -> Event:
    """Mirrors a 2-d set with some probability.

    Args:
      event: 2-d.
      size: Height and width of the camera, in pixels.
      x: Probability of swapping left and right.
      y: Probability of swapping top and bottom.
      seed: Fixes the choice.
    """
    check.in_range("x", x, 0.0, 1.0)
    check.in_range("y", y, 0.0, 1.0)
    left, top = generator(seed).random(2)
    return geometry.flip(event, size, x=bool(left < x), y=bool(top < y))


def jitter_time(event: Event, deviation_ms: float, *, seed: Seed) -> Event:
    """Moves each event in time by a normal random number; some may come to lie before 0.

    Args:
      event: 1-d or 2-d.
      deviation_ms: Standard deviation, in milliseconds.
      seed: Fixes the numbers.
    """
    _not_negative("deviation_ms", deviation_ms)
    return event.replace(t=event.t + deviation_ms * generator(seed).standard_normal(len(event)))


def random_stretch(event: Event, factor: float, *, seed: Seed) -> Event:
    """Plays a set faster or slower by up to ``factor``, evenly on a logarithmic scale.

    Args:
      event: 1-d or 2-d.
      factor: Largest, from 1 on: 1.2 gives ``1 / 1.2`` to 1.2.
      seed: Fixes the factor.

    Raises:
      ValueError: ``factor`` is below 1.
    """
    if not 1 <= factor < np.inf:
        raise ValueError(f"`factor` is {factor}, expected a number from 1 on; give its inverse.")
    return geometry.stretch_time(event, float(factor ** generator(seed).uniform(-1, 1)))


def drop(event: Event, probability: float, *, seed: Seed) -> Event:
    """Leaves out each event with ``probability``.

    Args:
      event: 1-d or 2-d.
      probability: In [0, 1].
      seed: Fixes which.

    Raises:
      ValueError: ``probability`` lies outside of [0, 1].
    """
    check.in_range("probability", probability, 0.0, 1.0)
    return event[generator(seed).random(len(event)) >= probability]


def noise(
    event: Event,
    rate_hz: float,
    size: Sequence[int],
    duration_ms: float,
    *,
    channels: int = 2,
    seed: Seed,
) -> Event:
    """Adds events that belong to nothing, Poisson in time, evenly over places and channels.

    They come after the given ones; a graded set gets them with payload 1.

    Args:
      event: 1-d or 2-d.
      rate_hz: Events per second of each place and channel.
      size: ``(height, width)`` in pixels, or ``(ids,)`` for a 1-d set.
      duration_ms: They lie in ``[0, duration_ms)``.
      channels: Number of channels.
      seed: Fixes them.

    Raises:
      ValueError: ``size`` has another number of axes than the set, or a number is negative.
    """
    _not_negative("rate_hz", rate_hz)
    _not_negative("duration_ms", duration_ms)
    if len(size) != event.num_dims:
        layout = "(ids,)" if event.y is None else "(height, width)"
        raise ValueError(
            f"`size` is {tuple(size)}, expected {layout} for a {event.num_dims}-d event set; "
            "give one number per axis."
        )
    rng = generator(seed)
    places = int(np.prod([channels, *size]))
    count = rng.poisson(rate_hz * duration_ms / 1000 * places)
    channel, *row, column = np.unravel_index(rng.integers(places, size=count), (channels, *size))
    return event.replace(
        x=np.concatenate([event.x, column]),
        y=None if event.y is None else np.concatenate([event.y, row[0]]),
        c=np.concatenate([event.c, channel]),
        t=np.concatenate([event.t, rng.uniform(0, duration_ms, count)]),
        p=None if event.p is None else np.concatenate([event.p, np.ones(count)]),
    )


def compose(steps: Sequence[Callable[..., Event]]) -> Callable[..., Event]:
    """Puts changes in a row.

    Each random step draws from a stream of its own, so that changing one leaves the others'
    random numbers as they were.

    Args:
      steps: Functions of an ``Event``; those with a keyword ``seed`` are given one. Bind further
        arguments with ``functools.partial``.

    Returns:
      A function ``f(event, *, seed)``.

    Example:
      >>> from functools import partial
      >>> change = compose([partial(drop, probability=0.5), partial(geometry.shift, x=2)])
      >>> change(Event([0, 1, 2, 3], None, [0] * 4, [0.0] * 4), seed=1).x
      array([2, 4])
    """
    return functools.partial(_apply, tuple(steps))


def _apply(steps: tuple[Callable[..., Event], ...], event: Event, *, seed: Seed) -> Event:
    for step, stream in zip(steps, generator(seed).spawn(len(steps)), strict=True):
        random: dict[str, Any] = {"seed": stream} if _takes_seed(step) else {}
        event = step(event, **random)
    return event


def _takes_seed(step: Callable[..., Event]) -> bool:
    return "seed" in inspect.signature(step).parameters


def _not_negative(name: str, value: float) -> None:
    if not 0 <= value < np.inf:
        raise ValueError(f"`{name}` is {value}, expected a number from 0 on; choose another.")
