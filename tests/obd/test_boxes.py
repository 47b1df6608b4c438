"""Boxes and their overlap, against counting by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jslayer.obd import bbox, boxes, fit_anchors, iou, pad_objects
from jslayer.obd.padding import rows_of

side = st.integers(0, 8).map(lambda n: n / 8)
box = st.tuples(side, side, side, side)


def plain_iou(a, b):
    edges = [(c[0] - c[2] / 2, c[1] - c[3] / 2, c[0] + c[2] / 2, c[1] + c[3] / 2) for c in (a, b)]
    width = max(0.0, min(e[2] for e in edges) - max(e[0] for e in edges))
    height = max(0.0, min(e[3] for e in edges) - max(e[1] for e in edges))
    union = a[2] * a[3] + b[2] * b[3] - width * height
    return width * height / (union + 1e-10)


@given(st.lists(box, min_size=1, max_size=5), st.lists(box, min_size=1, max_size=4))
def test_iou_is_that_of_a_plain_loop(first, second):
    expected = [[plain_iou(a, b) for b in second] for a in first]
    np.testing.assert_allclose(iou(np.array(first), np.array(second)), expected, atol=1e-12)


def test_numpy_gives_numpy_and_jax_gives_jax_by_one_formula():
    rng = np.random.default_rng(0)
    table = rng.random((6, 7)).astype(np.float32)
    window = (0.1, 0.2, 0.6, 0.9)
    functions = [
        boxes.corners,
        boxes.centers,
        boxes.clip,
        boxes.flip,
        lambda b: boxes.to_pixels(b, (48, 80)),
        lambda b: boxes.to_fractions(b, (48, 80)),
        lambda b: boxes.crop(b, window),
        lambda b: iou(b, b[:3]),
    ]
    for function in functions:
        ours, traced = function(table), jax.jit(function)(table)
        assert isinstance(ours, np.ndarray) and isinstance(traced, jax.Array)
        np.testing.assert_allclose(ours, traced, rtol=1e-6, atol=1e-6)


def test_forms_of_boxes_are_inverse():
    table = np.random.default_rng(1).random((5, 6))
    np.testing.assert_allclose(boxes.centers(boxes.corners(table)), table)
    np.testing.assert_allclose(boxes.to_fractions(boxes.to_pixels(table, (3, 7)), (3, 7)), table)
    np.testing.assert_allclose(boxes.flip(boxes.flip(table, y=True), y=True), table)
    whole = boxes.crop(table, (0.0, 0.0, 1.0, 1.0))
    np.testing.assert_array_equal(whole, table)


def test_a_box_is_cut_at_the_frame():
    cut = boxes.clip([[0.0, 0.5, 0.4, 0.2], [1.5, 0.5, 0.2, 0.2]])
    np.testing.assert_allclose(cut, [[0.1, 0.5, 0.2, 0.2], [1.0, 0.5, 0.0, 0.2]])


def test_wrong_boxes_are_named():
    with pytest.raises(ValueError, match=r"`a` has shape \(2, 3\), expected \[.., 4\]"):
        iou(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"`window` is .* with an area"):
        boxes.crop(np.zeros((1, 4)), (0.5, 0, 0.5, 1))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([0.5, 0.5, np.nan, 0.2, 1, 0], "expected numbers"),
        ([0.5, 0.5, 0.0, 0.2, 1, 0], "a width and a height above 0"),
        ([0.5, 0.5, 0.2, -0.2, 1, 0], "a width and a height above 0"),
        ([45.0, 12.0, 0.2, 0.2, 1, 0], "a center in the frame"),
        ([0.5, -0.1, 0.2, 0.2, 1, 0], "a center in the frame"),
        ([0.5, 0.5, 0.2, 0.2, 1, 3], "a whole label from 0 to 2"),
        ([0.5, 0.5, 0.2, 0.2, 1, 0.5], "a whole label from 0 to 2"),
    ],
)
def test_a_row_that_is_no_box_is_refused(row, words):
    good = [0.5, 0.5, 0.2, 0.2, 1, 2]
    with pytest.raises(ValueError, match=words):
        pad_objects([good, row], most=4, num_classes=3)
    # What is no object may hold anything.
    assert pad_objects([good, row], [1, 0], most=4, num_classes=3)[1].tolist()[0] in (0, 1)


def test_objects_are_padded_the_largest_first_and_none_is_lost():
    small, large = [0.5, 0.5, 0.1, 0.1, 1, 0], [0.5, 0.5, 0.4, 0.4, 1, 1]
    rows, kind = pad_objects([small, large], [1, -1], most=3)
    assert kind.tolist() == [-1, 1, 0]
    np.testing.assert_allclose(rows, [large, small, [0] * 6], rtol=1e-6)
    assert [len(r) for r in rows_of(rows[None], kind[None])] == [2]
    empty, none = pad_objects(np.zeros((0, 6)), most=2)
    assert empty.shape == (2, 6) and not none.any()
    with pytest.raises(ValueError, match="3 objects in a frame, expected at most 2"):
        pad_objects([small, small, large], most=2)


def test_anchors_are_the_sizes_of_clusters():
    rng = np.random.default_rng(2)
    middles = np.array([[0.4, 0.3], [0.1, 0.3], [0.05, 0.06]])
    sizes = (middles[:, None] * rng.uniform(0.95, 1.05, (3, 50, 2))).reshape(-1, 2)
    found = fit_anchors(sizes, 1, 3)
    np.testing.assert_allclose(found[0], middles, rtol=0.03)
    np.testing.assert_array_equal(found, fit_anchors(sizes, 1, 3))
    with pytest.raises(ValueError, match="1 different sizes, expected at least 2"):
        fit_anchors([[0.1, 0.1]] * 5, 1, 2)
    with pytest.raises(ValueError, match="NaN or not above 0"):
        fit_anchors([[0.1, 0.0]], 1, 1)


def test_lists_come_back_as_new_lists():
    given = [np.ones((2, 6), np.float32), np.zeros((0, 6), np.float32)]
    before = [rows.copy() for rows in given]
    functions = [
        bbox.utils.xxyy_to_xywh,
        bbox.utils.xywh_to_xxyy,
        lambda b: bbox.utils.normalize_bboxes(b, 4, 8),
        lambda b: bbox.utils.denormalize_bboxes(b, 4, 8),
    ]
    for function in functions:
        made = function(given)
        assert isinstance(made, list) and [rows.shape for rows in made] == [(2, 6), (0, 6)]
        for ours, theirs in zip(given, before, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert bbox.utils.tensor_from_annotation(
        {"annotation": {"size": {"height": 4, "width": 4}, "object": []}}
    ).shape == (0, 6)


def test_the_gradient_of_ciou_is_finite_for_boxes_without_area():
    zero = jnp.zeros((1, 4))
    grad = jax.grad(lambda a: bbox.metrics.bbox_ciou(a, zero).sum())(zero)
    assert np.isfinite(grad).all()
