"""Random generators from what a caller may give as a seed."""

import operator
from collections.abc import Sequence

import numpy as np

Seed = int | Sequence[int] | np.random.Generator | None


def generator(seed: Seed) -> np.random.Generator:
    """Makes a NumPy generator.

    Args:
      seed: An integer, a sequence of integers such as ``(seed, epoch)``, a generator (used as it
        is, so that it moves on), or ``None`` for a start that differs from call to call.

    Returns:
      The generator.

    Raises:
      TypeError: ``seed`` is something else.
      ValueError: ``seed`` is negative.
    """
    if seed is None or isinstance(seed, np.random.Generator):
        return np.random.default_rng(seed)
    return np.random.default_rng(entropy(seed))


def entropy(seed: int | Sequence[int]) -> list[int]:
    """Turns a seed into a list of integers, to which a caller may append a stream number."""
    try:
        numbers = [operator.index(seed)]  # type: ignore[arg-type]
    except TypeError:
        try:
            numbers = [operator.index(number) for number in seed]  # type: ignore[union-attr]
        except TypeError:
            raise TypeError(
                f"`seed` is {seed!r}, expected an integer or a sequence of integers; "
                "give for example 0 or (seed, epoch)."
            ) from None
    if not numbers or min(numbers) < 0:
        raise ValueError(
            f"`seed` is {seed!r}, expected integers from 0 on; give for example 0 or (seed, epoch)."
        )
    return numbers
