"""Suppression, forms of boxes, annotations and pictures, by lava-dl's names.

What lava-dl edits in place comes back as a new value; lists come back as lists.
"""

from jslayer.obd.annotation import annotation_from_tensor as annotation_from_tensor
from jslayer.obd.annotation import fliplr_bounding_boxes as fliplr_bounding_boxes
from jslayer.obd.annotation import flipud_bounding_boxes as flipud_bounding_boxes
from jslayer.obd.annotation import merge_annotations as merge_annotations
from jslayer.obd.annotation import resize_bounding_boxes as resize_bounding_boxes
from jslayer.obd.annotation import tensor_from_annotation as tensor_from_annotation
from jslayer.obd.bbox.lists import denormalize_bboxes as denormalize_bboxes
from jslayer.obd.bbox.lists import nms as nms
from jslayer.obd.bbox.lists import non_maximum_suppression as non_maximum_suppression
from jslayer.obd.bbox.lists import normalize_bboxes as normalize_bboxes
from jslayer.obd.bbox.lists import onehot_to_labels as onehot_to_labels
from jslayer.obd.bbox.lists import xxyy_to_xywh as xxyy_to_xywh
from jslayer.obd.bbox.lists import xywh_to_xxyy as xywh_to_xxyy
from jslayer.obd.draw import mark_bounding_boxes as mark_bounding_boxes
from jslayer.obd.draw import render_events_img as render_events_img
from jslayer.obd.video import create_frames as create_frames
from jslayer.obd.video import create_frames_events as create_frames_events
from jslayer.obd.video import create_video as create_video
from jslayer.obd.video import create_video_events as create_video_events

__all__ = [
    "annotation_from_tensor",
    "create_frames",
    "create_frames_events",
    "create_video",
    "create_video_events",
    "denormalize_bboxes",
    "fliplr_bounding_boxes",
    "flipud_bounding_boxes",
    "mark_bounding_boxes",
    "merge_annotations",
    "nms",
    "non_maximum_suppression",
    "normalize_bboxes",
    "onehot_to_labels",
    "render_events_img",
    "resize_bounding_boxes",
    "tensor_from_annotation",
    "xxyy_to_xywh",
    "xywh_to_xxyy",
]


def __dir__() -> list[str]:
    return __all__
