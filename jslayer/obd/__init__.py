"""Object detection: boxes, targets, loss, suppression, metrics, pictures and videos with boxes.

What is counted is a pure function of arrays of fixed shapes: objects ``rows [.., M, 6]`` (x, y,
width, height in fractions of the frame, confidence, label) with a ``kind [.., M]`` (1 object, 0
none, -1 to be ignored), detections ``rows [.., D, 6]`` with ``found [.., D]``. Functions by
lava-dl's names, in ``bbox``, take and return lists.
"""

from jslayer.obd import augment as augment
from jslayer.obd import bbox as bbox
from jslayer.obd import bbox as boundingbox
from jslayer.obd import boxes as boxes
from jslayer.obd import dataset as dataset
from jslayer.obd import models as models
from jslayer.obd import training as training
from jslayer.obd.anchors import ANCHORS as ANCHORS
from jslayer.obd.anchors import fit_anchors as fit_anchors
from jslayer.obd.coco import coco_ap as coco_ap
from jslayer.obd.coco import coco_detections as coco_detections
from jslayer.obd.coco import to_coco as to_coco
from jslayer.obd.dataset import SyntheticStreet as SyntheticStreet
from jslayer.obd.detector import Detector as Detector
from jslayer.obd.detector import load_detector as load_detector
from jslayer.obd.draw import draw_boxes as draw_boxes
from jslayer.obd.from_lava import lava_anchors as lava_anchors
from jslayer.obd.hardware import hardware_raws as hardware_raws
from jslayer.obd.head import Unit as Unit
from jslayer.obd.head import decode as decode
from jslayer.obd.head import detections as detections
from jslayer.obd.head import predictions as predictions
from jslayer.obd.head import raw_layout as raw_layout
from jslayer.obd.loss import PARTS as PARTS
from jslayer.obd.loss import YOLOLoss as YOLOLoss
from jslayer.obd.loss import yolo_loss as yolo_loss
from jslayer.obd.metrics import APstats as APstats
from jslayer.obd.metrics import average_precision as average_precision
from jslayer.obd.metrics import compute_ap as compute_ap
from jslayer.obd.overlap import ciou as ciou
from jslayer.obd.overlap import iou as iou
from jslayer.obd.overlap import iou_of_pairs as iou_of_pairs
from jslayer.obd.overlap import wh_iou as wh_iou
from jslayer.obd.padding import pad_objects as pad_objects
from jslayer.obd.padding import rows_of as rows_of
from jslayer.obd.suppress import nms as nms
from jslayer.obd.target import YOLOtarget as YOLOtarget
from jslayer.obd.target import yolo_target as yolo_target
from jslayer.obd.video import detection_frames as detection_frames
from jslayer.obd.video import save_video as save_video
from jslayer.obd.yolo_base import YOLOBase as YOLOBase

__all__ = [
    "ANCHORS",
    "PARTS",
    "APstats",
    "Detector",
    "SyntheticStreet",
    "Unit",
    "YOLOLoss",
    "YOLOtarget",
    "augment",
    "average_precision",
    "bbox",
    "boundingbox",
    "boxes",
    "ciou",
    "coco_ap",
    "coco_detections",
    "compute_ap",
    "dataset",
    "decode",
    "detection_frames",
    "detections",
    "draw_boxes",
    "fit_anchors",
    "hardware_raws",
    "iou",
    "iou_of_pairs",
    "lava_anchors",
    "load_detector",
    "models",
    "nms",
    "pad_objects",
    "predictions",
    "raw_layout",
    "rows_of",
    "save_video",
    "to_coco",
    "training",
    "wh_iou",
    "yolo_loss",
    "yolo_target",
]


def __dir__() -> list[str]:
    return __all__
