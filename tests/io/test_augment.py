"""Events cut, moved and disturbed: geometry, random changes, seeds, composition."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jslayer import io
from jslayer.io import augment

SIZE = (5, 8)


def pixels(seed=0, count=60):
    rng = np.random.default_rng(seed)
    return io.Event(
        rng.integers(0, SIZE[1], count),
        rng.integers(0, SIZE[0], count),
        rng.integers(0, 2, count),
        rng.uniform(0, 100, count),
        rng.normal(size=count),
    )


def ids(count=40):
    rng = np.random.default_rng(1)
    return io.Event(rng.integers(0, 9, count), None, [0] * count, rng.uniform(0, 100, count))


def image(event):
    return event.to_tensor(dim=(2, *SIZE, 101))


RANDOM = {
    "random_shift": partial(augment.random_shift, limit=2),
    "random_rotate": partial(augment.random_rotate, degrees=40, size=SIZE),
    "random_flip": partial(augment.random_flip, size=SIZE),
    "jitter_time": partial(augment.jitter_time, deviation_ms=2.0),
    "random_stretch": partial(augment.random_stretch, factor=1.5),
    "drop": partial(augment.drop, probability=0.4),
    "noise": partial(augment.noise, rate_hz=20.0, size=SIZE, duration_ms=100.0),
}


@pytest.mark.parametrize("name", RANDOM)
def test_a_random_change_is_fixed_by_its_seed_and_leaves_its_argument_alone(name):
    event, change = pixels(), RANDOM[name]
    before = image(event)
    outcomes = [image(change(event, seed=(7, seed))) for seed in range(8)]
    np.testing.assert_array_equal(image(change(event, seed=(7, 3))), outcomes[3])
    np.testing.assert_array_equal(image(change(event, seed=np.random.default_rng(3))),
                                  image(change(event, seed=3)))  # fmt: skip
    assert any((outcome != outcomes[0]).any() for outcome in outcomes)
    np.testing.assert_array_equal(image(event), before)


@pytest.mark.parametrize("name", RANDOM)
def test_a_random_change_takes_a_set_without_events(name):
    empty = io.Event([], [], [], [], [])
    changed = RANDOM[name](empty, seed=0)
    assert len(changed) == 0 or name == "noise"


def test_time_is_cut_at_the_left_edge_inclusive():
    event = io.Event([0, 1, 2, 3], None, [0] * 4, [1.0, 2.0, 3.0, 4.0])
    kept = io.slice_time(event, 2.0, 4.0)
    assert (kept.x.tolist(), kept.t.tolist()) == ([1, 2], [0.0, 1.0])
    assert io.slice_time(event, 2.0, 4.0, move=False).t.tolist() == [2.0, 3.0]
    assert io.slice_time(event, 3.0).x.tolist() == [2, 3]


@given(st.integers(0, 1000))
def test_a_crop_is_the_slice_of_the_tensor(seed):
    event = pixels(seed)
    cut = io.crop(event, (2, 6), (1, 4))
    whole = image(event)[:, 1:4, 2:6]
    np.testing.assert_array_equal(cut.to_tensor(dim=(2, 3, 4, 101)), whole)
    assert io.crop(event, (2, 6), (1, 4), move=False).x.min(initial=2) >= 2


def test_a_shift_is_that_of_the_tensor():
    moved = image(io.shift(pixels(), 2, -1))
    np.testing.assert_array_equal(moved[:, :-1, 2:], image(pixels())[:, 1:, :-2])
    assert not moved[:, :, :2].any() and not moved[:, -1].any()
    assert io.shift(ids(), 3).x.min() >= 3


@pytest.mark.parametrize(("x", "y"), [(True, False), (False, True), (True, True)])
def test_a_flip_is_that_of_the_tensor(x, y):
    flipped = np.flip(image(pixels()), [axis for axis, on in ((2, x), (1, y)) if on])
    np.testing.assert_array_equal(image(io.flip(pixels(), SIZE, x=x, y=y)), flipped)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_quarter_turns_are_those_of_the_tensor(turns):
    event = io.crop(pixels(), (0, 5))
    tensor = event.to_tensor(dim=(2, 5, 5, 101))
    turned = io.rotate(event, 90 * turns, (5, 5)).to_tensor(dim=(2, 5, 5, 101))
    np.testing.assert_array_equal(turned, np.rot90(tensor, -turns, axes=(1, 2)))


def test_what_turns_out_of_the_picture_is_dropped():
    corners = io.Event([0, 7, 3], [0, 4, 2], [0, 1, 1], [0.0, 1.0, 2.0])
    assert io.rotate(corners, 45, SIZE).c.tolist() == [1]


def test_stretching_multiplies_times():
    np.testing.assert_allclose(io.stretch_time(ids(), 2.0).t, 2 * ids().t)
    factors = [augment.random_stretch(ids(), 2.0, seed=s).t[0] / ids().t[0] for s in range(200)]
    assert 0.5 <= min(factors) < 0.6 and 1.8 < max(factors) <= 2
    assert 70 < sum(factor < 1 for factor in factors) < 130


def test_drop_and_noise_have_the_stated_rates():
    many = io.Event([0] * 20_000, None, [0] * 20_000, [0.0] * 20_000)
    assert abs(len(augment.drop(many, 0.3, seed=0)) / 20_000 - 0.7) < 0.02
    assert len(augment.drop(many, 0.0, seed=0)) == 20_000
    assert len(augment.drop(many, 1.0, seed=0)) == 0
    noisy = augment.noise(pixels(), 100.0, SIZE, 1000.0, seed=0)
    added = noisy[60:]
    assert abs(len(added) / (2 * 5 * 8 * 100) - 1) < 0.05
    assert (
        set(added.c) == {0, 1} and set(added.x) == set(range(8)) and set(added.y) == set(range(5))
    )
    assert (added.p == 1).all() and added.t.min() >= 0 and added.t.max() < 1000
    assert augment.noise(ids(), 1.0, (9,), 1000.0, channels=1, seed=0).num_dims == 1


def test_jitter_has_the_stated_width():
    many = io.Event([0] * 20_000, None, [0] * 20_000, [50.0] * 20_000)
    assert abs(augment.jitter_time(many, 3.0, seed=0).t.std() - 3) < 0.1


def test_steps_run_in_order_with_a_stream_of_random_numbers_each():
    first = partial(augment.drop, probability=0.5)
    jitter = partial(augment.jitter_time, deviation_ms=1.0)
    both = augment.compose([first, partial(io.shift, x=1), jitter])
    event = pixels()
    np.testing.assert_array_equal(both(event, seed=(1, 2)).t, both(event, seed=(1, 2)).t)
    other = augment.compose([partial(augment.noise, rate_hz=0, size=SIZE, duration_ms=1), first])
    same = augment.compose([partial(augment.jitter_time, deviation_ms=0), first])
    np.testing.assert_array_equal(other(event, seed=5).x, same(event, seed=5).x)
    assert both(event, seed=0).x.min() >= 1
    assert augment.compose([])(event, seed=0) is event


def test_parts_of_a_set_are_sets():
    event = pixels()
    np.testing.assert_array_equal(event[event.t > 50].p, event.p[event.t > 50])
    assert len(event[:7]) == 7 and len(event[[]]) == 0 and len(event[[3, 1]]) == 2
    assert event.replace(p=None).p is None and event.p is not None
    with pytest.raises(TypeError, match="`chosen` is 3, expected a slice"):
        event[3]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: io.slice_time(ids(), 3, 1), "`end_ms` is 1, expected at least `start_ms`"),
        (lambda: io.crop(ids(), (3, 3)), r"`x` is \(3, 3\), expected \(first"),
        (lambda: io.crop(ids(), (0, 3), (0, 3)), "`event` is 1-d, expected 2-d"),
        (lambda: io.shift(ids(), 0, 1), "`event` is 1-d"),
        (lambda: io.flip(ids(), SIZE, x=True), "`event` is 1-d"),
        (lambda: io.rotate(ids(), 10, SIZE), "`event` is 1-d"),
        (lambda: io.stretch_time(ids(), 0), "`factor` is 0"),
        (lambda: augment.random_shift(ids(), -1, seed=0), "`limit` is -1"),
        (lambda: augment.random_stretch(ids(), 0.5, seed=0), "`factor` is 0.5"),
        (lambda: augment.random_flip(pixels(), SIZE, x=2, seed=0), "`x` is 2"),
        (lambda: augment.jitter_time(ids(), np.nan, seed=0), "`deviation_ms` is nan"),
        (lambda: augment.drop(ids(), 1.1, seed=0), "`probability` is 1.1"),
        (lambda: augment.noise(ids(), 1, SIZE, 1, seed=0), r"`size` is \(5, 8\), expected \(ids"),
        (lambda: augment.noise(ids(), 1, (9,), 1, seed=-1), "`seed` is -1"),
    ],
)
def test_bad_arguments_are_named(call, text):
    with pytest.raises(ValueError, match=text):
        call()
