"""Suppression against a plain loop: ties, empty frames, boxes without area, many frames."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jslayer.obd import bbox, iou, nms, suppress

coarse = st.integers(0, 4).map(lambda n: n / 4)  # few values: many ties and equal boxes
row = st.tuples(*[coarse] * 4, coarse, coarse, coarse)


def plain_nms(predictions, conf=0.5, threshold=0.4, merge=True):
    """Greedy suppression as a textbook has it."""
    rows = []
    for number, (x, y, w, h, objectness, *classes) in enumerate(np.float32(predictions).tolist()):
        if objectness > conf:
            best = max(classes)
            score = np.float32(objectness) * np.float32(best) if merge else np.float32(objectness)
            rows.append((-score, number, [x, y, w, h, score, classes.index(best)]))
    kept = []
    for _, _, box in sorted(rows, key=lambda r: r[:2]):
        same = [k for k in kept if k[5] == box[5]]
        overlaps = iou(np.float32([box[:4]]), np.float32([k[:4] for k in same] or [[9] * 4]))
        if not (overlaps > threshold).any():
            kept.append(box)
    return np.float32(kept).reshape(-1, 6)


@settings(max_examples=60)
@given(st.lists(row, max_size=12), st.sampled_from([0.2, 0.5, 0.9]), st.booleans())
def test_it_is_that_of_a_plain_loop(predictions, threshold, merge):
    table = np.float32(predictions).reshape(-1, 7)
    (found,) = bbox.utils.nms([table], nms_threshold=threshold, merge_conf=merge)
    np.testing.assert_array_equal(found, plain_nms(table, 0.5, threshold, merge))


def test_an_overlap_of_just_the_threshold_stays_and_of_equal_scores_the_earlier_is_better():
    boxes = [[0.5, 0.5, 0.5, 0.5, 0.75, 1.0], [0.5, 0.375, 0.5, 0.25, 0.75, 1.0]]
    half = float(iou(np.float32(boxes)[:1, :4], np.float32(boxes)[1:, :4])[0, 0])
    (both,) = bbox.utils.nms([np.float32(boxes)], nms_threshold=half)
    assert len(both) == 2
    (one,) = bbox.utils.nms([np.float32(boxes)], nms_threshold=np.nextafter(np.float32(half), 0))
    np.testing.assert_array_equal(one[0, :4], np.float32(boxes[0][:4]))


def test_a_box_that_goes_takes_no_other_with_it():
    chain = np.float32([[0.3 + 0.12 * k, 0.5, 0.4, 0.2, 0.9 - 0.1 * k, 1] for k in range(3)])
    (found,) = bbox.utils.nms([chain])
    np.testing.assert_array_equal(found[:, :5], chain[[0, 2], :5])


def test_a_thousand_frames_go_through_one_call_and_other_counts_compile_nothing():
    rng = np.random.default_rng(0)
    frames = rng.random((1000, 300, 7)).astype(np.float32)
    frames[..., 2:4] *= 0.3
    many = jax.jit(jax.vmap(nms))
    rows, found = many(frames)
    assert rows.shape == (1000, 300, 6) and found.shape == (1000, 300)
    for number in (0, 999):
        ours = np.asarray(rows[number])[np.asarray(found[number])]
        np.testing.assert_array_equal(ours, plain_nms(frames[number]))
    (few,) = bbox.utils.nms([frames[0, :40]])
    before = suppress._nms._cache_size()
    bbox.utils.nms([frames[k, : 7 + 20 * k] for k in range(8)])
    assert suppress._nms._cache_size() == before
    assert len(few)


def test_candidates_and_detections_are_cut():
    rows = np.float32([[0.1 * k, 0.5, 0.05, 0.05, 0.9 - 0.01 * k, 1] for k in range(9)])
    table, found = nms(rows, max_candidates=4, max_detections=2)
    assert table.shape == (2, 6) and found.all()
    table, found = nms(rows, max_candidates=3)
    np.testing.assert_array_equal(table[:, :4], rows[:3, :4])
    table, found = nms(jnp.zeros((0, 6)))
    assert table.shape == (0, 6) and found.shape == (0,)
    assert bbox.utils.nms([np.zeros((0, 6), np.float32)])[0].shape == (0, 6)


def test_predictions_without_a_class_are_refused():
    with pytest.raises(ValueError, match="with at least one class"):
        nms(jnp.zeros((3, 5)))
    with pytest.raises(ValueError, match=r"`predictions` has shape \(3,\)"):
        nms(jnp.zeros(3))
    with pytest.raises(ValueError, match="`max_candidates` is 0"):
        nms(jnp.zeros((3, 6)), max_candidates=0)
