"""Targets, decoding and loss: plain loops, edges of the frame, no NaN, one compilation."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jslayer.obd import (
    YOLOLoss,
    YOLOtarget,
    decode,
    detections,
    raw_layout,
    target,
    wh_iou,
    yolo_loss,
    yolo_target,
)

ANCHORS = np.float32([[[0.3, 0.2], [0.4, 0.5]], [[0.1, 0.1], [0.15, 0.3]]])
SCALES = ((4, 3), (8, 6))
MOST = 8


def plain_target(rows, kind, ignore):
    """Targets as a textbook has them."""
    grids = [np.zeros((2, h, w, 6), np.float32) for w, h in SCALES]
    for row, what in zip(rows, kind, strict=True):
        for grid, anchors, (w, h) in zip(grids, ANCHORS, SCALES, strict=True):
            i, j = min(int(row[1] * np.float32(h)), h - 1), min(int(row[0] * np.float32(w)), w - 1)
            alike = wh_iou(row[None, 2:4], anchors)[0]
            taken = what != 1
            for a in np.argsort(-alike, kind="stable"):
                if what == 0 or grid[a, i, j, 4] != 0:
                    continue
                if not taken:
                    entry = [row[0] * w - j, row[1] * h - i, row[2] * w, row[3] * h, 1, row[5]]
                    grid[a, i, j], taken = entry, True
                elif what == -1 or alike[a] > ignore:
                    grid[a, i, j, 4] = -1
    return grids


place, length = st.integers(0, 8).map(lambda n: n / 8), st.integers(1, 6).map(lambda n: n / 8)
objects = st.tuples(place, place, length, length, st.just(1.0), st.integers(0, 2))


@settings(max_examples=60)
@given(st.lists(st.tuples(objects, st.sampled_from([1, 1, -1])), max_size=MOST))
def test_targets_are_those_of_a_plain_loop(found):
    rows, kind = np.zeros((MOST, 6), np.float32), np.zeros(MOST, np.int8)
    for number, (row, what) in enumerate(found):
        rows[number], kind[number] = row, what
    grids = yolo_target(rows, kind, ANCHORS, SCALES, ignore_iou=0.5)
    for ours, plain in zip(grids, plain_target(rows, kind, 0.5), strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-6)
        np.testing.assert_array_equal(ours[..., 4:], plain[..., 4:])


def test_an_object_at_the_far_edge_belongs_to_the_last_cell():
    row = np.float32([[1.0, 1.0, 0.3, 0.2, 1, 2]])
    grid, _ = yolo_target(row, np.ones(1, np.int8), ANCHORS, SCALES)
    np.testing.assert_allclose(grid[0, 2, 3], [1, 1, 1.2, 0.6, 1, 2], rtol=1e-6)
    assert (np.asarray(grid[..., 4]) == 1).sum() == 1


def test_other_numbers_of_objects_compile_nothing():
    maker = YOLOtarget(ANCHORS, SCALES, 3)
    maker([[0.5, 0.5, 0.2, 0.2, 1, 0]])
    before = target._yolo_target._cache_size()
    for count in (0, 2, 11):
        maker([[0.5, 0.5, 0.2, 0.2, 1, 0]] * count)
    assert target._yolo_target._cache_size() == before


def test_bad_objects_and_shapes_are_refused():
    with pytest.raises(ValueError, match="a whole label from 0 to 2"):
        YOLOtarget(ANCHORS, SCALES, 3)([[0.5, 0.5, 0.2, 0.2, 1, 3]])
    with pytest.raises(ValueError, match="for 1 scales, expected one set"):
        yolo_target(np.zeros((1, 6)), np.zeros(1), ANCHORS, SCALES[:1])
    with pytest.raises(ValueError, match=r"expected 2 \(5 \+ C\) channels"):
        raw_layout(jnp.zeros((1, 13, 2, 2, 1)), 2)
    with pytest.raises(ValueError, match="`raw` holds NaN or infinity"):
        decode(jnp.full((1, 2, 1, 1, 6, 1), jnp.nan), ANCHORS[0])
    with pytest.raises(ValueError, match="`unit` is 'cells', expected one of 'frame', 'reference'"):
        decode(jnp.zeros((1, 2, 1, 1, 6, 1)), ANCHORS[0], unit="cells")
    with pytest.raises(ValueError, match="1, 0 and 2 scales"):
        yolo_loss([jnp.zeros((1, 2, 3, 4, 8, 1))], [], ANCHORS)
    with pytest.raises(ValueError, match=r"`raws\[0\]` and `targets\[0\]` have shapes"):
        yolo_loss([jnp.zeros((1, 2, 3, 4, 8, 1))], [jnp.zeros((1, 2, 3, 4, 6, 2))], ANCHORS[:1])


def test_the_channels_of_a_head_are_anchors_of_numbers():
    x = jnp.arange(14.0).reshape(1, 14, 1, 1, 1)
    np.testing.assert_array_equal(raw_layout(x, 2)[0, :, 0, 0, :, 0], np.arange(14.0).reshape(2, 7))


def test_both_units_of_anchors_give_the_same_boxes_and_losses():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(1, 2, 3, 4, 8, 2)).astype(np.float32)
    cells = ANCHORS[0] * np.float32([4, 3])
    np.testing.assert_allclose(
        decode(raw, ANCHORS[0]), decode(raw, cells, unit="reference"), rtol=1e-6
    )
    _, (row, kind) = heads_and_objects()
    goal = yolo_target(row, kind, ANCHORS, SCALES)[0][None, ..., None].repeat(2, -1)
    ours, _ = yolo_loss([raw], [goal], ANCHORS[:1])
    theirs, _ = YOLOLoss(cells[None])([raw], [goal])
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def heads_and_objects():
    raws = [jnp.zeros((1, 2, h, w, 8, 1)) for w, h in SCALES]
    row = np.float32([[0.3, 0.4, 0.3, 0.2, 1, 2], [1.0, 0.0, 0.2, 0.2, 1, 1]])
    return raws, (row, np.ones(2, np.int8))


@functools.cache
def criterion():
    def both(raws, targets, smoothing, alpha):
        return yolo_loss(raws, targets, ANCHORS, label_smoothing=smoothing, alpha_iou=alpha)

    return jax.jit(jax.value_and_grad(both, has_aux=True))


def targets_of(rows, kind):
    return [grid[None, ..., None] for grid in yolo_target(rows, kind, ANCHORS, SCALES)]


def test_at_logits_of_exactly_zero_the_slope_is_half_minus_the_target():
    raws, found = heads_and_objects()
    targets = targets_of(*found)
    (_, _), grads = criterion()(raws, targets, 0.0, 0.0)
    for grad, goal in zip(grads, targets, strict=True):
        there, empty = np.asarray(goal[..., 4, :] == 1), np.asarray(goal[..., 4, :] == 0)
        slope = np.asarray(grad[..., 4, :])
        np.testing.assert_allclose(slope[there], 5 * (0.5 - 1) / there.sum(), rtol=1e-5)
        np.testing.assert_allclose(slope[empty], 10 * 0.5 / empty.sum(), rtol=1e-5)
        assert not slope[~there & ~empty].any()


def test_a_second_call_is_equal_and_edits_nothing():
    raws, found = heads_and_objects()
    targets = targets_of(*found)
    before = [np.array(goal) for goal in targets]
    (first, _), _ = criterion()(raws, targets, 0.1, 0.25)
    (second, _), _ = criterion()(raws, targets, 0.1, 0.25)
    assert float(first) == float(second)
    for ours, theirs in zip(targets, before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("what", ["no objects", "all ignored", "wide", "narrow"])
def test_no_value_and_no_gradient_is_nan(what):
    raws, (rows, kind) = heads_and_objects()
    if what in ("wide", "narrow"):
        raws = [raw.at[..., 2:4, :].set(60.0 if what == "wide" else -60.0) for raw in raws]
    kind = kind * 0 if what == "no objects" else kind
    targets = targets_of(rows, kind)
    if what == "all ignored":
        targets = [goal.at[..., 4, :].set(-1.0) for goal in targets]
    (value, parts), grads = criterion()(raws, targets, 0.1, 0.25)
    assert np.isfinite(value) and np.isfinite(parts).all()
    assert all(np.isfinite(grad).all() for grad in grads)
    if what == "no objects":
        assert np.asarray(parts)[[0, 1, 3, 4]].tolist() == [0, 0, 0, 0] and parts[2] > 0
    if what == "all ignored":
        assert float(value) == 0


def test_a_perfect_head_is_found_again_by_the_detections():
    raws, (rows, kind) = heads_and_objects()
    targets = targets_of(rows, kind)
    perfect = []
    for raw, goal, anchors in zip(raws, targets, ANCHORS, strict=True):
        width, height = raw.shape[3], raw.shape[2]
        inside = jnp.clip(goal[..., :2, :], 1e-6, 1 - 1e-6)
        size = anchors.reshape(1, 2, 1, 1, 2, 1) * np.float32([width, height]).reshape(2, 1)
        extent = jnp.log(jnp.where(goal[..., 2:4, :] > 0, goal[..., 2:4, :], 1) / size)
        here = goal[..., 4:5, :] == 1
        classes = jnp.where(goal[..., 5:6, :] == jnp.arange(3.0).reshape(3, 1), 30.0, 0.0)
        numbers = [jnp.log(inside / (1 - inside)), extent, jnp.where(here, 20.0, -20.0), classes]
        perfect.append(jnp.concatenate(numbers, axis=-2))
    table, found = detections(perfect, ANCHORS, max_detections=5)
    assert table.shape == (1, 1, 5, 6) and found.sum() == 2
    got = np.asarray(table[0, 0])[np.asarray(found[0, 0])]
    order = np.argsort(got[:, 0])
    np.testing.assert_allclose(got[order, :4], rows[:, :4], atol=1e-4)
    np.testing.assert_array_equal(got[order, 5], rows[:, 5])


def test_collate_refuses_steps_without_annotations():
    maker = YOLOtarget(ANCHORS, SCALES, 3)
    with pytest.raises(ValueError, match=r"`batch` has \[1\] annotations for 2 frames"):
        maker.collate_fn([(np.zeros((3, 4, 4, 2)), [{}])])
