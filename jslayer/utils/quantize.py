"""Quantisation, by the old library's names."""

import enum

from jslayer.ops.quantize import quantize as quantize
from jslayer.ops.quantize import quantize_hook_fx as quantize_hook_fx

__all__ = ["QUANTIZE_MODE", "quantize", "quantize_hook_fx"]


def __dir__() -> list[str]:
    return __all__


class QUANTIZE_MODE(enum.StrEnum):
    """How to round, as `quantize` takes it."""

    ROUND = "ROUND"
    FLOOR = "FLOOR"
