"""Overlap and average precision, by lava-dl's names."""

from jslayer.obd.metrics import APstats as APstats
from jslayer.obd.metrics import average_precision_metrics as average_precision_metrics
from jslayer.obd.metrics import compute_ap as compute_ap
from jslayer.obd.overlap import EPS as EPS
from jslayer.obd.overlap import ciou as bbox_ciou
from jslayer.obd.overlap import iou as bbox_iou
from jslayer.obd.overlap import wh_iou as wh_iou

__all__ = [
    "EPS",
    "APstats",
    "average_precision_metrics",
    "bbox_ciou",
    "bbox_iou",
    "compute_ap",
    "wh_iou",
]


def __dir__() -> list[str]:
    return __all__
