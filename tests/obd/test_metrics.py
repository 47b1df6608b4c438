"""Average precision: plain loops, the judge called by hand, what counts and what does not."""

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jslayer.obd import APstats, average_precision, coco_ap, coco_detections, iou, to_coco

CLASSES = ("car", "bus", "person")
coarse = st.integers(1, 4).map(lambda n: n / 4)
detection = st.tuples(coarse, coarse, coarse, coarse, coarse, st.integers(0, 1))
images = st.lists(
    st.tuples(st.lists(detection, max_size=6), st.lists(detection, max_size=4)), max_size=3
)


def plain_ap(output, target, label, threshold):
    """Precision, recall and area of one class of one image, as a textbook has it."""
    ours = sorted((r for r in output if r[5] == label), key=lambda r: -r[4])
    theirs = [r for r in target if r[5] == label]
    used, right, curve = set(), 0, []
    for count, row in enumerate(ours, 1):
        overlaps = [-1 if k in used else plain(row, other) for k, other in enumerate(theirs)]
        best = int(np.argmax(overlaps))
        if overlaps[best] > threshold:
            used.add(best)
            right += 1
        curve.append((right / len(theirs), right / count))
    if not curve:
        return 0.0, 0.0, 0.0
    x = [0, *(c[0] for c in curve), curve[-1][0] + 0.01]
    y = [1, *(c[1] for c in curve), 0]
    y = [max(y[k:]) for k in range(len(y))]
    heights = np.interp(np.linspace(0, 1, 101), x, y)
    return curve[-1][1], curve[-1][0], float((heights[1:] + heights[:-1]).sum() / 200)


def plain(a, b):
    return float(iou(np.float32([a]), np.float32([b]))[0, 0])


@settings(max_examples=50)
@given(images, st.sampled_from([0.3, 0.5]))
def test_the_mean_over_images_is_that_of_a_plain_loop(found, threshold):
    outputs, targets = [o for o, _ in found], [t for _, t in found]
    precision, recall, area, f1, classes = average_precision(outputs, targets, threshold)
    stats, areas = APstats(threshold), []
    stats.update(outputs, targets)
    for k, (output, target) in enumerate(found):
        assert classes[k].tolist() == sorted({r[5] for r in target})
        for row, label in enumerate(classes[k]):
            p, r, ap = plain_ap(output, target, label, threshold)
            np.testing.assert_allclose(
                [precision[k][row, 0], recall[k][row, 0], area[k][row, 0]], [p, r, ap], atol=1e-9
            )
            np.testing.assert_allclose(f1[k][row, 0], 2 * p * r / (p + r + 1e-10), atol=1e-9)
            areas.append(ap)
    np.testing.assert_allclose(stats[:], np.mean(areas or [0]), atol=1e-9)
    assert stats[threshold] == stats[0] == stats[:]


def test_a_threshold_that_is_none_is_refused_and_reset_forgets():
    stats = APstats([0.5, 0.75])
    box = [[0.5, 0.5, 0.4, 0.4, 0.9, 0]]
    stats.update([box], [box])
    assert stats[0.5] == pytest.approx(1.0, abs=0.01)
    with pytest.raises(KeyError, match="expected one of the thresholds"):
        stats[0.6]
    stats.reset()
    assert stats[:] == 0
    with pytest.raises(ValueError, match="`outputs` has 1 images and `targets` 2"):
        average_precision([box], [box, box], 0.5)


def whole(seed=0, frames=12, most=6, count=8):
    """Objects of which most are found, some beside the place, and false alarms."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((frames, most, 6), np.float32)
    truth[..., :2], truth[..., 2:4] = rng.uniform(0.2, 0.8, (2, frames, most, 2)) * [
        [[[1]]],
        [[[0.4]]],
    ]
    truth[..., 5] = rng.integers(0, 3, (frames, most))
    kind = rng.choice([1, 1, 1, 0, -1], (frames, most)).astype(np.int8)
    kind[0] = 0  # nothing there
    rows = np.zeros((frames, count, 6), np.float32)
    rows[:, :most] = truth + rng.normal(0, 0.01, truth.shape) * ([1] * 4 + [0] * 2)
    rows[:, most:, :4] = rng.uniform(0.2, 0.5, (frames, count - most, 4))
    rows[..., 4] = rng.random((frames, count))
    found = rng.random((frames, count)) < 0.8
    return rows, found, truth, kind


def test_the_data_set_is_judged_as_pycocotools_does_called_by_hand():
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rows, found, truth, kind = whole()
    ours = coco_ap(rows, found, truth, kind, size=(96, 160), classes=CLASSES)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = json.loads(json.dumps(to_coco(truth, kind, size=(96, 160), classes=CLASSES)))
        coco.createIndex()
        seen = coco.loadRes(coco_detections(rows, found, size=(96, 160)))
        judge = COCOeval(coco, seen, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    names = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
    theirs = [value if value > -1 else np.nan for value in judge.stats]
    np.testing.assert_array_equal([ours[name] for name in names], theirs[:6])
    assert ours["AR100"] == theirs[8] and 0.1 < ours["AP"] < 1
    by_class = [ours["by_class"][name]["AP"] for name in CLASSES]
    np.testing.assert_allclose(np.nanmean(by_class), ours["AP"])
    assert set(ours["by_class"]["car"]) == {"AP", "AP50", "AP75"}


def judged(rows, found, truth, kind):
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    return coco_ap(rows, found, truth, kind, size=(96, 160), classes=CLASSES)


def test_false_alarms_on_an_empty_frame_count_and_ignored_objects_do_not():
    box = np.float32([0.5, 0.5, 0.4, 0.4, 0.6, 0])
    alarm = np.float32([0.2, 0.2, 0.2, 0.2, 0.9, 0])
    truth = np.stack([[box], [box]])
    rows = np.stack([[box, alarm], [alarm, alarm]])
    kind = np.int8([[1], [0]])
    perfect = judged(rows, np.array([[True, False], [False, False]]), truth, kind)
    assert perfect["AP"] == pytest.approx(1)
    assert judged(rows, np.array([[True, False], [True, True]]), truth, kind)["AP"] < 0.5
    # The second frame's object is a crowd: what is seen there is no false alarm.
    rows[1, 0] = [0.5, 0.5, 0.3, 0.3, 0.9, 0]
    found = np.array([[True, False], [True, False]])
    assert judged(rows, found, truth, np.int8([[1], [-1]]))["AP"] == pytest.approx(1)
    assert judged(rows, found, truth, np.int8([[1], [0]]))["AP"] < 0.9


def test_nothing_found_is_zero_and_nothing_there_is_no_number():
    rows, found, truth, kind = whole()
    assert judged(rows, found & False, truth, kind)["AP"] == 0
    nothing = judged(rows, found, truth, kind * 0)
    assert np.isnan(nothing["AP"]) and np.isnan(nothing["by_class"]["bus"]["AP50"])


def test_wrong_frames_labels_and_scores_are_refused():
    rows, found, truth, kind = whole()
    with pytest.raises(ValueError, match="11 frames and `truth` 12"):
        judged(rows[1:], found[1:], truth, kind)
    with pytest.raises(ValueError, match="has 3 names, expected one for label 7"):
        judged(rows, found, np.where(np.arange(6) == 5, 7, truth), kind)
    with pytest.raises(ValueError, match="scores that are NaN"):
        judged(np.where(np.arange(6) == 4, np.nan, rows), found, truth, kind)
    with pytest.raises(ValueError, match=r"`truth` has shape \(5, 4\)"):
        to_coco(np.zeros((5, 4)), kind, size=(4, 4), classes=CLASSES)
