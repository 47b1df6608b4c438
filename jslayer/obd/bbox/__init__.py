"""Boxes by lava-dl's names: ``bbox.metrics`` and ``bbox.utils``."""

from jslayer.obd.bbox import metrics as metrics
from jslayer.obd.bbox import utils as utils

__all__ = ["metrics", "utils"]


def __dir__() -> list[str]:
    return __all__
