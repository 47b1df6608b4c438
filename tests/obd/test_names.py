"""Lava-dl's names of `slayer.obd`: every one is there, or says what to use in its place."""

import inspect

import pytest

from jslayer import obd

SAME = {
    "bbox.metrics": "EPS bbox_iou wh_iou bbox_ciou compute_ap average_precision_metrics APstats",
    "bbox.utils": """non_maximum_suppression nms annotation_from_tensor tensor_from_annotation
        onehot_to_labels xxyy_to_xywh xywh_to_xxyy normalize_bboxes denormalize_bboxes
        merge_annotations mark_bounding_boxes resize_bounding_boxes flipud_bounding_boxes
        fliplr_bounding_boxes create_frames create_frames_events create_video create_video_events
        render_events_img""",
    "boundingbox": "metrics utils",
    "yolo_base": "YOLOLoss YOLOtarget",
    "YOLOtarget": "forward collate_fn",
    "YOLOLoss": "forward",
    "models": "tiny_yolov3_str yolo_kp yolo_kp_events",
}
RENAMED = {
    "YOLOBase": "obd.Detector",
    "yolo_base.YOLOBase": "obd.Detector",
    "dataset.BDD": "obd.dataset.BDD100K",
    "dataset.PropheseeAutomotive": "obd.dataset.Prophesee",
    "dataset.utils.flip_lr": "obd.augment.flip",
    "dataset.utils.flip_ud": "obd.augment.flip",
    "dataset.utils.fliplr_events": "obd.augment.flip",
    "dataset.utils.resize_events_frame": "obd.dataset.Prophesee",
}


def found(name):
    value = obd
    for part in name.split("."):
        value = getattr(value, part)
    return value


@pytest.mark.parametrize("name", SAME)
def test_names_of_lava_dl_are_there(name):
    for part in SAME[name].split():
        found(f"{name}.{part}")


@pytest.mark.parametrize("name", RENAMED)
def test_a_name_that_is_another_here_says_which(name):
    sentence = rf"^`obd\..*` is lava-dl's name; .*`{RENAMED[name]}[^\n]*\.$"
    with pytest.raises(NotImplementedError, match=sentence):
        found(name)("folder", train=True)
    with pytest.raises(NotImplementedError, match=sentence):
        type("Network", (found(name),), {})
    assert found(RENAMED[name].removeprefix("obd."))
    assert RENAMED[name] in inspect.getdoc(found(name))


@pytest.mark.parametrize("name", ["tiny_yolov3_str", "yolo_kp", "yolo_kp_events"])
def test_networks_are_built_by_lava_dls_call_and_arguments(name):
    network = found(f"models.{name}.Network")
    given = list(inspect.signature(network).parameters)
    shared = ["num_classes", "anchors", "threshold", "tau_grad", "scale_grad", "clamp_max"]
    assert given[: len(shared)] == shared
    assert network(3, width=1 / 16, clamp_max=4.0).clamp_max == 4.0
