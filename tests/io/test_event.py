"""Event sets and their binning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jslayer.io import Event, tensor_to_event


def one_dimensional(t, x=None, c=None, p=None):
    n = len(t)
    return Event(x or [0] * n, None, c or [0] * n, t, p)


def test_the_callers_arrays_are_neither_edited_nor_shared():
    x, c, t = np.array([1, 2]), np.array([3, 4]), np.array([0.0, 1.0])
    event = Event(x, None, c, t, shift_channel=True)
    event.x[:], event.c[:], event.t[:] = 9, 9, 9.0
    assert (x.tolist(), c.tolist(), t.tolist()) == ([1, 2], [3, 4], [0.0, 1.0])


def test_a_recording_of_on_events_alone_stays_on():
    assert one_dimensional([0.0, 1.0], c=[1, 1]).c.tolist() == [1, 1]
    shifted = Event([0, 0], None, [-1, 1], [0.0, 1.0], shift_channel=True)
    assert shifted.c.tolist() == [0, 2]


def test_fractions_of_coordinates_are_cut_off():
    event = Event([1.9, -0.5], [2.5, 0.1], [0.9, 1.2], [0.5, 0.7])
    assert (event.x.tolist(), event.y.tolist(), event.c.tolist()) == ([1, 0], [2, 0], [0, 1])
    assert event.num_dims == 2 and len(event) == 2


def test_no_events_give_zeros():
    flat, wide = Event([], None, [], [], shift_channel=True), Event([], [], [], [])
    assert flat.to_tensor().tolist() == [[[0.0]]]
    assert wide.to_tensor().shape == (1, 1, 1, 1)
    assert not flat.to_tensor(dim=(2, 3, 4)).any()
    assert not wide.fill_tensor(np.zeros((1, 2, 2, 3)), 2, True, "SUM", seed=0).any()
    assert len(tensor_to_event(np.zeros((1, 2, 3)))) == 0
    assert "empty" in repr(flat)


def test_the_event_on_the_last_half_bin_is_kept():
    tensor = one_dimensional([1.5]).to_tensor()
    assert tensor.tolist() == [[[0.0, 0.0, 1.0]]]


@pytest.mark.filterwarnings("ignore:. of .* events lie in the tensor")
@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 1, 2, 3]), st.booleans())
def test_sums_equal_a_loop_over_events(seed, sampling_time, graded):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 40))
    x, y, c = rng.integers(-1, 4, (3, n))
    t, p = rng.uniform(-2, 8, n), rng.integers(-3, 4, n) if graded else None
    expected = np.zeros((2, 3, 3, 5))
    for i in range(n):
        place = (c[i], y[i], x[i], round(t[i] / sampling_time))
        if all(0 <= k < size for k, size in zip(place, expected.shape, strict=True)):
            expected[place] += p[i] if graded else 1 / sampling_time
    got = Event(x, y, c, t, p).fill_tensor(np.zeros((2, 3, 3, 5)), sampling_time, False, "SUM")
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 1, 3, 7]), st.booleans())
def test_binary_tensors_come_back_from_their_events(seed, sampling_time, flat):
    rng = np.random.default_rng(seed)
    shape = (2, 3, 6) if flat else (2, 3, 4, 6)
    for dtype in (np.float32, np.float64):
        tensor = ((rng.random(shape) < 0.4) / sampling_time).astype(dtype)
        event = tensor_to_event(tensor, sampling_time)
        assert event.p is None
        np.testing.assert_array_equal(event.to_tensor(sampling_time, shape, dtype=dtype), tensor)


def test_graded_events_of_one_bin_add_up_unless_the_last_is_asked_for():
    event = one_dimensional([0.1, 0.2], p=[2.0, 3.0])
    assert event.to_tensor().item() == 5.0
    assert event.to_tensor(binning_mode="LAST").item() == 3.0


def test_tensors_are_filled_in_place_whatever_their_strides_and_kind():
    for dtype in (bool, np.uint8, np.int32, np.float16, np.float32):
        base = np.zeros((5, 3, 1, 2), dtype)
        view = base.transpose()
        event = Event([2], None, [1], [4.0], shift_channel=False)
        assert event.fill_tensor(view) is view
        assert base[4, 2, 0, 1] == 1 and base.sum() == 1


def test_a_random_window_keeps_every_event_that_a_window_can():
    times = np.arange(100.0)
    event = one_dimensional(list(times))
    starts = set()
    for seed in range(200):
        tensor = event.fill_tensor(np.zeros((1, 1, 1, 40)), random_shift=True, seed=seed)
        assert tensor.all()
    for seed in range(200):
        sparse = one_dimensional([0.0, 99.0]).fill_tensor(
            np.zeros((1, 1, 1, 99)), random_shift=True, seed=seed
        )
        assert sparse.sum() == 1
        starts.add(int(sparse.argmax()))
    assert starts == {0, 98}


def test_a_recording_that_fits_is_not_moved_and_loses_nothing():
    event = one_dimensional([3.0, 9.0])
    moved = event.fill_tensor(np.zeros((1, 1, 1, 10)), random_shift=True, seed=(1, 2))
    np.testing.assert_array_equal(moved, event.fill_tensor(np.zeros((1, 1, 1, 10))))


def test_the_seed_fixes_the_window():
    event = one_dimensional(list(np.arange(0.0, 100, 7)))
    a, b, c = (
        event.fill_tensor(np.zeros((1, 1, 1, 20)), random_shift=True, seed=seed)
        for seed in (3, 3, np.random.default_rng(3))
    )
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, c)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([0, 1], None, [0], [0.0]), ValueError, r"`x` has shape \(2,\), expected \(1,\)"),
        (([0], [0, 1], [0], [0.0]), ValueError, r"`y` has shape \(2,\)"),
        (([0], None, [0], [0.0], [1.0, 2.0]), ValueError, r"`p` has shape \(2,\)"),
        (([0], None, [0], [np.nan]), ValueError, "`t` holds NaN"),
        (([np.inf], None, [0], [0.0]), ValueError, "`x` holds NaN or infinity"),
        (([[0]], None, [0], [0.0]), ValueError, r"`x` has shape \(1, 1\), expected \[events\]"),
        ((["a"], None, [0], [0.0]), TypeError, "`x` has dtype <U1, expected real numbers"),
        (([0], None, [0], [1j]), TypeError, "`t` has dtype complex128"),
        (([1e30], None, [0], [0.0]), ValueError, "`x` reaches beyond"),
    ],
)
def test_bad_events_are_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        Event(*arguments)


@pytest.mark.parametrize(
    ("tensor", "kwargs", "error", "text"),
    [
        (np.zeros((1, 2, 3, 4)), {}, ValueError, r"expected \[C, 1, X, T\] or \[C, X, T\]"),
        (np.zeros((3, 4)), {}, ValueError, r"`tensor` has shape \(3, 4\)"),
        ([[[0.0]]], {}, TypeError, "`tensor` is of type list, expected a NumPy array"),
        (np.zeros((1, 1, 4), np.int32), {"sampling_time": 2}, TypeError, "dtype int32.*of 0.5"),
        (np.zeros((1, 1, 4), bool), {"sampling_time": 0.5}, TypeError, "dtype bool.*of 2"),
        (np.zeros((1, 1, 4), np.uint8), {"binning_mode": "SUM"}, TypeError, "payloads or sums"),
        (np.zeros((1, 1, 4)), {"sampling_time": 0}, ValueError, "`sampling_time` is 0"),
        (np.zeros((1, 1, 4)), {"binning_mode": "or"}, ValueError, "`binning_mode` is 'or'"),
        (np.zeros((1, 1, 4)), {"random_shift": True, "seed": -1}, ValueError, "`seed` is -1"),
        (np.zeros((1, 1, 4)), {"random_shift": True, "seed": 0.5}, TypeError, "`seed` is 0.5"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(tensor, kwargs, error, text):
    with pytest.raises(error, match=text):
        one_dimensional([1.0]).fill_tensor(tensor, **kwargs)


def test_other_mistakes_are_named():
    event = one_dimensional([1.0])
    with pytest.raises(ValueError, match=r"`dim` is \(1, 2\), expected \(C, X, T\)"):
        event.to_tensor(dim=(1, 2))
    with pytest.raises(TypeError, match="payloads or sums"):
        one_dimensional([1.0], p=[2.0]).to_tensor(dtype=np.int32)
    event.t = np.zeros(3)
    with pytest.raises(ValueError, match=r"`x` has shape \(1,\), expected \(3,\) as `t`"):
        event.to_tensor()
    with pytest.raises(ValueError, match=r"`tensor` has shape \(2, 3\)"):
        tensor_to_event(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="`p` holds NaN"):
        tensor_to_event(np.full((1, 1, 1), np.nan))
    with pytest.raises(TypeError, match="complex"):
        tensor_to_event(np.ones((1, 1, 1), complex))
