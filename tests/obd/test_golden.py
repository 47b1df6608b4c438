"""Object detection against the recorded numbers, driven by the manifest alone."""

import copy
import functools
import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block, neuron
from jslayer.obd import annotation, boxes, head, loss, metrics, overlap, suppress, target
from jslayer.obd.bbox import lists
from jslayer.ops import quantize
from tests.golden import compare, load

REFERENCE = "reference/"
"""What lava-dl gives where it is wrong; compared by name below where it shows a difference."""


class Recorded:
    """A case that notes which arrays were compared or used."""

    def __init__(self, case):
        self.case, self.config, self.used = case, case.config, set()
        self.names = set(case.data["arrays"])

    def __getitem__(self, name):
        self.used.add(name)
        return self.case[name]

    def numbered(self, form):
        """Arrays ``form.format(0)``, ``form.format(1)``, .. as long as there are any."""
        found = []
        while (name := form.format(len(found))) in self.names:
            found.append(self[name])
        return found


def near(name, ours, golden, rtol=1e-5, atol=1e-6):
    golden = np.asarray(golden)
    assert np.shape(ours) == golden.shape, f"{name}: {np.shape(ours)}, golden {golden.shape}"
    np.testing.assert_allclose(np.asarray(ours), golden, rtol=rtol, atol=atol, err_msg=name)


def pulled(function, primals, cotangent):
    value, pull = jax.vjp(function, *map(jnp.asarray, primals))
    return value, pull(jnp.asarray(cotangent))


def check_bbox_iou(case):
    pair = case["bbox1"], case["bbox2"]
    value, grads = pulled(overlap.iou, pair, case["cotangent"])
    near("iou", value, case["intended/iou"])
    near("in NumPy", overlap.iou(*pair), case["intended/iou"])
    for name, grad in zip(("bbox1", "bbox2"), grads, strict=True):
        compare.gradient(name, grad, case[f"intended/grad/{name}"])
    assert np.abs(np.asarray(value) - case["reference/iou"]).max() > 0.01  # scrambled
    near("self", overlap.iou(pair[0], pair[0]), case["reference/iou_self"])


def check_wh_iou(case):
    pair = case["wh1"], case["wh2"]
    value, grads = pulled(overlap.wh_iou, pair, case["cotangent"])
    near("iou", value, case["iou"])
    for name, grad in zip(("wh1", "wh2"), grads, strict=True):
        compare.gradient(name, grad, case[f"grad/{name}"])


def check_bbox_ciou(case):
    pair = case["bbox1"], case["bbox2"]
    value, grads = pulled(overlap.ciou, pair, case["cotangent"])
    near("ciou", value, case["intended/ciou"])
    for name, grad in zip(("bbox1", "bbox2"), grads, strict=True):
        compare.gradient(name, grad, case[f"intended/grad/{name}"])
    assert np.abs(np.asarray(value) - case["reference/ciou"]).max() > 0.001


def check_compute_ap(case):
    curves = case.numbered("{}/recall")
    for i, recall in enumerate(curves):
        area = metrics.compute_ap(case[f"{i}/precision"], recall)
        near(i, area, case[f"intended/{i}/ap"], 0)
    assert any(
        abs(case[f"reference/{i}/ap"] - case[f"intended/{i}/ap"]) > 0.01 for i in range(len(curves))
    )


def check_average_precision(case):
    outputs, targets = case.numbered("{}/output"), case.numbered("{}/target")
    assert len(outputs) == case.config["images"]
    found = metrics.average_precision(outputs, targets, case["iou_threshold"])
    names = ("precision", "recall", "average_precision", "f1", "classes")
    for name, table in zip(names, found, strict=True):
        for i, value in enumerate(table):
            near(f"{i}/{name}", value, case[f"standard/{i}/{name}"], 0)
    stats = metrics.APstats(case["iou_threshold"])
    for output, wanted in zip(outputs, targets, strict=True):
        stats.update([output], [wanted])
    near("scores", stats.ap_scores(), case["standard/ap_scores"], 0)
    near("mean", stats[:], case["standard/ap_scores"].mean(), 0)
    near("first", stats[float(case["iou_threshold"][0])], case["standard/ap_scores"][0], 0)
    assert abs(stats[:] - case["reference/map_all"]) > 0.01


def check_nms(case):
    for i, settings in enumerate(case.config["settings"]):
        name = f"greedy/{i}/detections"
        golden = case[name if name in case.names else f"reference/{i}/detections"]
        (rows,) = lists.nms([case["predictions"]], **settings)
        near(i, rows, golden)
        np.testing.assert_array_equal(rows[:, 5], golden[:, 5])
        padded, found = map(np.asarray, suppress.nms(case["predictions"], **settings))
        np.testing.assert_array_equal(padded[found], rows)
        assert not padded[~found].any()
    assert len(case["reference/0/detections"]) < len(case["greedy/0/detections"])


def check_convert(case):
    size = case.config["height"], case.config["width"]
    tables = {
        "xxyy_to_xywh": (lists.xxyy_to_xywh, "xxyy", ()),
        "intended/xywh_to_xxyy": (lists.xywh_to_xxyy, "xywh", ()),
        "denormalize": (lists.denormalize_bboxes, "xywh", size),
        "normalize": (lists.normalize_bboxes, "pixels", size),
        "onehot_to_labels": (lists.onehot_to_labels, "one_hot", ()),
        "onehot_to_labels_conf": (lists.onehot_to_labels, "one_hot", (0.2, False)),
    }
    for name, (function, given, arguments) in tables.items():
        before = case[given].copy()
        (value,) = function([before], *arguments)
        near(name, value, case[name])
        np.testing.assert_array_equal(before, case[given])
    assert np.abs(boxes.corners(case["xywh"]) - case["reference/xywh_to_xxyy"]).max() > 0.01


def check_yolo_target(case):
    config = case.config
    threshold = config["ignore_iou_thres"]
    maker = target.YOLOtarget(config["anchors"], config["scales"], config["num_classes"], threshold)
    differ = 0
    for i, rows in enumerate(case.numbered("{}/boxes")):
        for s, grid in enumerate(maker(rows)):
            golden = case[f"intended/{i}/scale{s}"]
            near(f"{i}/{s}", grid, golden)
            np.testing.assert_array_equal(grid[..., 4:], golden[..., 4:])
            differ += int((np.asarray(grid) != case[f"reference/{i}/scale{s}"]).any())
    assert differ


def check_collate(case):
    config = case.config
    maker = target.YOLOtarget(config["anchors"], config["scales"], config["num_classes"])
    frames = case.numbered("frames/{}")
    given = copy.deepcopy(config["batch"])
    images, targets, found = maker.collate_fn(list(zip(frames, given, strict=True)))
    assert given == config["batch"]
    np.testing.assert_array_equal(images, case["images"])
    for t, step in enumerate(found):
        for n, rows in enumerate(step):
            near(f"boxes/{t}/{n}", rows, case[f"boxes/{t}/{n}"])
            # The recorded targets follow lava-dl's rule; ours are those of the same boxes.
            for grid, whole in zip(maker(rows), targets, strict=True):
                np.testing.assert_array_equal(whole[n, ..., t], grid)
    for s, whole in enumerate(targets):
        assert whole.shape == case[f"reference/targets/{s}"].shape


def check_yolo_decode(case):
    function = functools.partial(
        head.decode,
        anchors=jnp.asarray(case.config["anchors"]),
        clamp_max=case.config["clamp_max"],
        unit="reference",
    )
    value, (grad,) = pulled(jax.jit(function), [case["raw"]], case["cotangent"])
    near("boxes", value, case["boxes"])
    compare.gradient("raw", grad, case["grad/raw"])


def check_yolo_loss(case):
    settings = {k: v for k, v in case.config.items() if k not in ("anchors", "scales")}
    criterion = loss.YOLOLoss(case.config["anchors"], **settings)
    raws, targets = case.numbered("predictions/{}"), case.numbered("targets/{}")
    call = jax.jit(jax.value_and_grad(criterion, has_aux=True))
    (value, parts), grads = call(raws, targets)
    near("loss", value, case["intended/loss"])
    near("parts", parts, case["intended/parts"])
    for s, grad in enumerate(grads):
        compare.gradient(f"grad/{s}", grad, case[f"intended/grad/{s}"])
    (again, _), _ = call(raws, targets)
    assert float(again) == float(value)
    assert np.isnan(case["reference/second_call"])


CHECKS = {
    "obd.bbox_iou": check_bbox_iou,
    "obd.wh_iou": check_wh_iou,
    "obd.bbox_ciou": check_bbox_ciou,
    "obd.compute_ap": check_compute_ap,
    "obd.average_precision": check_average_precision,
    "obd.nms": check_nms,
    "obd.convert": check_convert,
    "obd.yolo_target": check_yolo_target,
    "obd.collate": check_collate,
    "obd.yolo_decode": check_yolo_decode,
    "obd.yolo_loss.default": check_yolo_loss,
    "obd.yolo_loss.weighted": check_yolo_loss,
}


def cases(kind):
    found = [case for case in load.cases("obd") if case.kind == kind]
    skip = pytest.mark.skip(reason="golden data absent: set JSLAYER_SHARED")
    absent = [pytest.param(None, marks=skip, id="absent")]
    return pytest.mark.parametrize("case", found or absent, ids=lambda case: case and case.id)


@cases("obd")
def test_equals_the_golden_numbers(case):
    assert case.id in CHECKS, f"{case.id} is a new case: write a check for it"
    recorded = Recorded(case)
    CHECKS[case.id](recorded)
    left = {name for name in recorded.names - recorded.used if not name.startswith(REFERENCE)}
    assert not left, f"{case.id}: nothing compared with {sorted(left)}"


@cases("obd_json")
def test_annotations_equal_the_recorded_ones(case):
    golden = json.loads((load.folder() / case.data["file"]).read_text("utf-8"))
    given = copy.deepcopy(golden)
    whole, small = given["annotation"], given["small"]
    table = functools.partial(np.testing.assert_allclose, rtol=0, atol=1e-6)
    rows = annotation.tensor_from_annotation
    table(rows(whole), golden["tensor_from_annotation"])
    table(rows(whole, num_objects=3), golden["tensor_from_annotation_num_objects_3"])
    table(rows(whole, normalized=False), golden["tensor_from_annotation_not_normalized"], rtol=1e-6)
    confident = rows(given["annotation_with_confidence"])
    table(confident, golden["tensor_from_annotation_with_confidence"])
    made = annotation.annotation_from_tensor(
        confident,
        given["annotation_from_tensor"]["annotation"]["size"],
        golden["classes"],
        confidence_th=golden["annotation_from_tensor_threshold"],
    )
    same(made, golden["annotation_from_tensor"])
    resized = annotation.resize_bounding_boxes(small, tuple(golden["resize_size"]))
    same(resized, golden["resize"])
    same(annotation.flipud_bounding_boxes(small), golden["flipud"])
    same(annotation.fliplr_bounding_boxes(small), golden["fliplr"])
    merged = annotation.merge_annotations(small, given["other"])
    same(merged, golden["merge_intended"])
    assert set(golden["merge_reference"]) != set(merged)
    assert given == golden  # nothing was edited


def same(ours, golden):
    """Structure equal, numbers as close as single precision allows."""
    if isinstance(golden, dict):
        assert set(ours) == set(golden)
        for key, value in golden.items():
            same(ours[key], value)
    elif isinstance(golden, list):
        assert len(ours) == len(golden)
        for one, other in zip(ours, golden, strict=True):
            same(one, other)
    elif isinstance(golden, str):
        assert ours == golden
    else:
        np.testing.assert_allclose(ours, golden, rtol=1e-5, atol=1e-6)


def network_of(case):
    """The recorded network as a chain of our blocks, and its collections."""
    config = case.config
    sigma_delta, hook = block.sigma_delta, quantize.quantize_hook_fx
    neuron_params = {name: config[name] for name in ("threshold", "tau_grad", "scale_grad")}
    identity = neuron_params | {"activation": "identity"}
    relu = neuron_params | {"activation": "relu", "norm": neuron.MeanOnlyBatchNorm}
    outputs = len(config["anchors"][0]) * (5 + config["num_classes"])
    widths = (3, *config["channels"], outputs)
    layers = [sigma_delta.Input(identity)]
    for inner, outer in itertools.pairwise(widths[:-1]):
        layer = functools.partial(sigma_delta.Conv, relu, inner, outer, 3, pre_hook_fx=hook)
        layers.append(layer(stride=2, padding=1, weight_norm=True))
    readout = identity | {"readout": True}
    layers.append(sigma_delta.Conv(readout, widths[-2], widths[-1], 1, pre_hook_fx=hook))
    network = block.Sequential(layers)

    params, stats, paths = {}, {}, {}
    for number in range(len(config["channels"])):
        name, ours = f"blocks.{number}", f"blocks_{number + 1}"
        weights = {
            part: case[f"param/{name}.synapse.{part}"][..., 0] for part in ("weight_g", "weight_v")
        }
        params[ours] = {"synapse": weights}
        paths |= {f"{name}.synapse.{part}": (ours, part) for part in weights}
        mean = case[f"buffer/{name}.neuron.norm.running_mean"]
        stats[ours] = {"neuron": {"norm": {"running_mean": mean, "running_var": np.float32(0)}}}
    head_name = f"blocks_{len(layers) - 1}"
    params[head_name] = {"synapse": {"weight": case["param/head.weight"][..., 0]}}
    paths["head.weight"] = (head_name, "weight")
    return network, params, stats, paths


@cases("obd_net")
def test_a_detector_equals_the_recorded_network(case):
    config, recorded = case.config, Recorded(case)
    network, params, stats, paths = network_of(recorded)
    channel = lambda values: np.float32(values).reshape(3, 1, 1, 1)
    mean, deviation = channel([0.485, 0.456, 0.406]), channel([0.229, 0.224, 0.225])
    x = (recorded["input"] - mean) / deviation
    anchors = jnp.asarray(config["anchors"])
    fresh = jax.jit(network.init)(jax.random.key(0), x)
    others = {"constants": fresh["constants"], "batch_stats": stats}
    for name in recorded.names:
        if name.endswith("delta.threshold"):
            number = 0 if "input" in name else int(name.split(".")[1]) + 1
            held = fresh["constants"][f"blocks_{number}"]["neuron"]["threshold"]
            np.testing.assert_array_equal(held, recorded[name].reshape(()))
        elif name.startswith("param/") and name.endswith("neuron.bias"):
            assert not recorded[name].any()  # a bias that was never set

    @jax.jit
    def step(params, goal):
        def objective(params):
            mutable = ["batch_stats", "intermediates"]
            y, new = network.apply({"params": params, **others}, x, train=True, mutable=mutable)
            raw = head.raw_layout(y, anchors.shape[1])
            value, parts = loss.yolo_loss([raw], [goal], anchors, unit="reference")
            return value, (parts, raw, new)

        return jax.value_and_grad(objective, has_aux=True)(params)

    (value, (parts, raw, new)), grads = step(params, recorded["target"])
    np.testing.assert_array_equal(raw, recorded["train/raw"])
    near("loss", value, recorded["train/intended/loss"])
    near("parts", parts, recorded["train/intended/parts"])
    for name, (place, part) in paths.items():
        golden = recorded[f"train/intended/grad/{name}"]
        compare.gradient(name, np.asarray(grads[place]["synapse"][part])[..., None], golden)
    for name in recorded.names:
        if name.startswith("buffer_after/"):
            place = f"blocks_{int(name.split('.')[1]) + 1}"
            after = new["batch_stats"][place]["neuron"]["norm"]["running_mean"]
            near(name, after, recorded[name])

    @jax.jit
    def evaluated(signal):
        rates = []
        for number, layer in enumerate(network.blocks):
            held = {"params": params, **others}
            held = {name: tree.get(f"blocks_{number}", {}) for name, tree in held.items()}
            signal = layer.apply(held, signal)
            rates.append(jnp.mean(signal[..., 1:] != 0))  # without the first step
        return signal, jnp.stack(rates[:-1])

    y, rates = evaluated(x)
    near("rates", rates, case.data["event_rate"], 0, 5e-5)  # recorded with four digits
    raws = [head.raw_layout(y, anchors.shape[1])]
    found = head.predictions(raws, anchors, clamp_max=config["clamp_max"], unit="reference")
    near("boxes", found, recorded["eval/boxes"])
    left = {name for name in recorded.names - recorded.used if "reference/" not in name}
    assert not left, f"{case.id}: nothing compared with {sorted(left)}"
