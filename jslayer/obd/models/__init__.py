"""Detectors ready to train."""

from jslayer.obd.models.street_yolo import street_yolo as street_yolo
from jslayer.obd.models.tiny_yolov3_str import tiny_yolov3_str as tiny_yolov3_str
from jslayer.obd.models.yolo_kp import yolo_kp as yolo_kp
from jslayer.obd.models.yolo_kp import yolo_kp_events as yolo_kp_events

__all__ = ["street_yolo", "tiny_yolov3_str", "yolo_kp", "yolo_kp_events"]

for _network in (tiny_yolov3_str, yolo_kp, yolo_kp_events):
    vars(_network)["Network"] = _network  # lava-dl's call: obd.models.yolo_kp.Network(80)


def __dir__() -> list[str]:
    return __all__
