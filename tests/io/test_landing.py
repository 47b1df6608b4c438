"""Events that do not fit into an array are counted, and what is likely to be wrong is said."""

import warnings

import numpy as np
import pytest

from jslayer import io
from jslayer.datasets.recordings import Binning
from jslayer.io import Event

RNG = np.random.default_rng(0)
SHAPE = (2, 30, 40, 100)
EVENTS = 400
C, Y, X, T = (RNG.integers(0, size, EVENTS) for size in SHAPE)


def test_ids_land_where_the_reference_puts_them(shared):
    event = io.read_1d_spikes(shared / "data" / "oxford" / "input.bs1")
    assert set(event.c) == {1}
    found = event.fill_tensor(np.zeros((1, 1, 200, 2000)))
    assert len(event) == 1889
    assert found.sum() == 1881
    np.testing.assert_array_equal(event.to_tensor(dim=(1, 200, 2000))[:, None], found)
    late = event.t > 500
    np.testing.assert_array_equal(
        event[late].to_tensor(dim=(1, 200, 2000)),
        event.to_tensor(dim=(1, 200, 2000)) * (np.arange(2000) > 500),
    )


def test_channels_of_ids_count_from_the_smallest_of_the_whole_set():
    both = Event([0, 1], None, [3, 4], [0.0, 1.0])
    np.testing.assert_array_equal(both.to_tensor(), [[[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    np.testing.assert_array_equal(both[1:].to_tensor(), both.to_tensor() * [[[0]], [[1]]])
    np.testing.assert_array_equal(both[1:].c, [4])
    moved = both[1:].replace(t=[0.0])
    assert moved.to_tensor().shape == (2, 2, 1)
    assert both.replace(c=[5, 5]).to_tensor().shape[0] == 1
    kept = Event([0], None, [1], [0.0], shift_channel=False)
    assert kept.to_tensor().shape == kept[:].to_tensor().shape == (2, 1, 1)
    pixels = Event([0], [0], [1], [0.0])
    assert pixels.to_tensor().shape == (2, 1, 1, 1)
    pair = np.zeros((2, 3, 4))
    pair[1, 2, 3] = 1
    np.testing.assert_array_equal(io.tensor_to_event(pair).to_tensor(), pair)
    both.c = np.zeros_like(both.c)
    assert both.to_tensor().shape[0] == 1


def test_every_reason_is_counted():
    event = Event([0, -1, 9, 0, 0], [0, 0, 9, 0, 0], [0, 0, 2, 0, 0], [0.0, 1, 2, -5, 50])
    found = event.landing((2, 3, 4, 10))
    assert found == (5, 1, 1, 1, 2, 1, 1, "")
    assert found.inside == event.to_tensor(dim=(2, 3, 4, 10)).sum()
    ids = Event([0, 7], None, [1, 1], [0.0, 1.0])
    assert ids.landing((1, 3, 4)) == ids.landing((1, 1, 3, 4)) == (2, 1, 0, 0, 1, 0, 0, "")
    assert event.landing((2, 3, 4, 1), sampling_time=100).late == 0
    assert Event([], [], [], []).landing(SHAPE) == (0,) * 7 + ("",)


WRONG = {
    "channels from 1": (Event(X, Y, C + 1, T), "channels seem to count from 1; use Event"),
    "x and y swapped": (Event(Y, X, C, T), "x and y seem to be swapped; x is the column"),
    "other channels": (Event(X, Y, C + 7, T), "channels run from 7 to 8, those of the tensor from"),
    "another place": (Event(X + 90, Y, C, T), "x runs from 90 to 129, y from 0 to 29, in a tensor"),
    "microseconds": (Event(X, Y, C, T * 1000), r"times reach bin \d+ of 100; they are in millisec"),
    "a clock's time": (Event(X, Y, C, T + 5e3), "bins run from 5000 to 5099 in a tensor of 100; "),
    "before": (Event(X, Y, C, T - 200.0), "bins run from -200 to -101 in a tensor of 100; cut the"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_cause_is_said_where_none_or_few_land(name):
    event, cause = WRONG[name]
    text = rf"\d+ of 400 events lie in the tensor, outside are \d+ by .*: {cause}"
    with pytest.warns(UserWarning, match=text) as caught:
        event.fill_tensor(np.zeros(SHAPE))
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=cause):
        Binning(SHAPE[:3], SHAPE[3])((event, 0))
    if "bin" not in cause:
        with pytest.warns(UserWarning, match=cause):
            io.event_frame(event, dim=SHAPE[:3])
        with pytest.warns(UserWarning, match=cause):
            io.time_surface(event, dim=SHAPE[:3])


NORMAL = {
    "a cut recording": Event(X, Y, C, T * 50),
    "a larger camera": Event(X * 2, Y * 2, C, T),
    "one polarity of two": Event(X, Y, C, T),
    "nothing": Event([], [], [], []),
    "two microseconds early": Event(X, Y, C, T - 0.7),
}


@pytest.mark.parametrize("name", NORMAL)
def test_what_is_normal_is_no_warning(name):
    shape = (1, *SHAPE[1:]) if "polarity" in name else SHAPE
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NORMAL[name].fill_tensor(np.zeros(shape))


def test_a_random_window_of_a_recording_is_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Event(X, Y, C, T * 50).fill_tensor(np.zeros(SHAPE), random_shift=True, seed=0)
