"""Lava-dl's module of what its detectors share."""

from jslayer.obd.loss import YOLOLoss as YOLOLoss
from jslayer.obd.renamed import renamed
from jslayer.obd.target import YOLOtarget as YOLOtarget

__all__ = ["YOLOLoss", "YOLOtarget"]

YOLOBase = renamed(
    "obd.YOLOBase",
    "build a `block.Sequential` or `block.Graph` and wrap it: `obd.Detector(network, anchors, "
    "classes)` has `loss`, `detect`, `scales` (`init_model`) and `num_outputs`; gradients that are "
    "not finite stop the training step",
)


def __dir__() -> list[str]:
    return __all__
