"""Data sets and loaders give batches of lists of events that hold the tensor's events."""

import functools

import numpy as np
import pytest

from jslayer.datasets import Loader, MovingBars, Recordings
from jslayer.io import Event, augment, event_batch
from jslayer.ops import EventBatch

DIM = (2, 3, 4, 6)


def drawn(seed, payload=False):
    """Events of which some share a bin and some lie outside of the tensor."""
    random = np.random.default_rng(seed)
    x, y, c = (random.integers(0, size + (size == 4), 80) for size in (4, 3, 2))
    p = random.integers(1, 9, 80) / 4 if payload else None
    return Event(x, y, c, random.uniform(0, 14, 80), p)


@pytest.mark.parametrize("mode", ["OR", "SUM"])
@pytest.mark.parametrize("payload", [False, True])
@pytest.mark.parametrize("sampling_time", [1.0, 2.0])
def test_a_batch_of_recordings_holds_what_their_tensors_hold(mode, payload, sampling_time):
    events = [drawn(seed, payload) for seed in range(3)]
    dense = [event.to_tensor(sampling_time, DIM, binning_mode=mode) for event in events]
    batch = event_batch(events, DIM, sampling_time, binning_mode=mode)
    np.testing.assert_array_equal(batch.to_dense(), np.stack(dense).astype(np.float32))
    assert (batch.dtype == np.bool_) == (mode == "OR" and sampling_time == 1 and not payload)


def test_sets_of_one_dimension_and_bad_arguments():
    event = Event([0, 2], None, [3, 3], [0.0, 3.0])
    batch = event_batch([event], (1, 3, 4))
    np.testing.assert_array_equal(batch.to_dense()[0], event.to_tensor(dim=(1, 3, 4)))
    with pytest.raises(ValueError, match=r"`dim` is \(2, 3, 4, 6\), expected one size per axis"):
        event_batch([event], DIM)
    with pytest.raises(ValueError, match="`binning_mode` is 'LAST'"):
        event_batch([event], (1, 3, 4), binning_mode="LAST")


def test_events_that_miss_the_tensor_are_told_of_as_there():
    with pytest.warns(UserWarning, match="0 of 2 events lie in the tensor"):
        event_batch([Event([70, 71], [0, 0], [0, 0], [0.0, 1.0])], DIM)


def test_moving_bars_give_lists_of_one_capacity():
    dense, lists = (MovingBars(40, size=9, num_steps=50, as_events=e) for e in (False, True))
    for one, other in zip(Loader(dense, 16), Loader(lists, 16, workers=1), strict=True):
        assert isinstance(other[0], EventBatch)
        np.testing.assert_array_equal(other[0].to_dense(), one[0])
        np.testing.assert_array_equal(other[1], one[1])
        assert other[0].capacity[0] == lists.capacity[0]
    x, label = lists[3]
    np.testing.assert_array_equal(x.to_dense()[0], dense[3][0])
    assert label == dense[3][1]


class Few(Recordings):
    """Three recordings."""

    def __len__(self):
        return 3

    def recording(self, index):
        return drawn(index), np.int32(index)


@pytest.mark.parametrize("sampling_time", [1.0, 2.0])
def test_recordings_give_lists_also_where_events_are_changed_before(sampling_time):
    dense, lists = (Few(DIM[:3], 6, sampling_time, np.float32, as_events=e) for e in (False, True))
    change = functools.partial(augment.drop, probability=0.5)
    for one, other in zip(Loader(dense, 2), Loader(lists, 2), strict=True):
        np.testing.assert_array_equal(other[0].to_dense(), one[0])
    changed = [Loader(ds.events, 2, transform=ds.binning(change)) for ds in (dense, lists)]
    for one, other in zip(*changed, strict=True):
        np.testing.assert_array_equal(other[0].to_dense(), one[0])


def test_batches_keep_the_room_of_those_before():
    few = Few(DIM[:3], 6, 1.0, bool, as_events=True)
    few._room = (32, 300)
    x, _ = few.batch([0, 1])
    assert x.capacity == (32, 384)
    np.testing.assert_array_equal(x.to_dense(), Few(DIM[:3], 6, 1.0, bool).batch([0, 1])[0])


def test_what_does_not_fit_is_an_error():
    few = Few(DIM[:3], 6, 1.0, bool, as_events=True, capacity=(64, 10))
    with pytest.raises(ValueError, match="events in all, expected at most 10"):
        few.batch([0, 1])
    one, other = (event_batch([drawn(0)], dim) for dim in (DIM, (2, 3, 4, 5)))
    with pytest.raises(ValueError, match=r"\(2, 3, 4, 6\) of bool and \(2, 3, 4, 5\)"):
        EventBatch.join([one, other])
