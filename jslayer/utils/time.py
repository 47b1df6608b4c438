"""Signals in time, by the old library's names; `jslayer.ops.shift`."""

from jslayer.ops.shift import replicate as replicate
from jslayer.ops.shift import shift as shift

__all__ = ["replicate", "shift"]


def __dir__() -> list[str]:
    return __all__
