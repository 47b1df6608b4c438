"""Drawn sequences in which order and time carry the label."""

import numpy as np
import pytest

from jslayer import datasets
from jslayer.datasets import Chirps, ConsecutiveSpikes, Intervals, MatchToSample

EVERY = (Chirps, ConsecutiveSpikes, Intervals, MatchToSample)


@pytest.mark.parametrize("data", EVERY)
def test_a_set_is_the_beginning_of_a_longer_one_and_the_test_is_another(data):
    short, long = data(5, seed=3), data(9, seed=3)
    x, target = short.batch(range(5))
    assert len(short) == 5 and x.dtype == np.float32 and x.shape[0] == 5
    np.testing.assert_array_equal(x, long.batch(range(5))[0])
    np.testing.assert_array_equal(target, long.batch(range(5))[1])
    assert (x != data(5, seed=3, train=False).batch(range(5))[0]).any()
    assert (x != data(5, seed=4).batch(range(5))[0]).any()


@pytest.mark.parametrize("data", EVERY)
def test_no_sample_is_refused(data):
    with pytest.raises(ValueError, match="`num_samples` is 0, expected an integer from 1 on"):
        data(0)


def test_two_spikes_in_a_row_are_answered_one_step_later():
    x, desired = ConsecutiveSpikes(3, num_steps=40, rate=0.5).batch(range(3))
    for train, answer in zip(x[:, 0], desired[:, 0], strict=True):
        expected = [t >= 2 and train[t - 1] and train[t - 2] for t in range(40)]
        assert answer.tolist() == expected


def test_volleys_stand_as_far_apart_as_their_class_says_and_counts_say_nothing():
    exact = {"jitter": 0.0, "drop": 0.0, "noise": 0.0}
    data = Intervals(60, classes=4, spacing=6, neurons=2, num_steps=50, **exact)
    x, labels = data.batch(range(60))
    assert (x.sum(-1) == 1).all()
    step = x.argmax(-1)
    assert (step[:, 0] == step[:, 1]).all() and (step[:, 2] == step[:, 3]).all()
    assert set(labels.tolist()) == {0, 1, 2, 3}
    apart = step[:, 2] - step[:, 0]
    assert (np.abs(apart - (labels - 1.5) * 6) <= 1).all()


def test_an_interval_longer_than_the_time_is_refused():
    with pytest.raises(ValueError, match="`num_steps` is 20, expected more than 76"):
        Intervals(4, classes=8, spacing=20, num_steps=20)


def test_the_pitch_moves_as_the_class_says():
    data = Chirps(40, noise=0.0, num_steps=256)
    x, labels = data.batch(range(40))
    assert sorted(set(labels.tolist())) == [0, 1, 2, 3]
    for wave, label in zip(x[:, 0], labels, strict=True):
        crossings = np.flatnonzero((wave[:-1] < 0) & (wave[1:] >= 0))
        periods = np.diff(crossings)
        thirds = [part.mean() for part in np.array_split(periods, 3)]
        first, middle, last = thirds
        is_class = (first > last * 1.5, last > first * 1.5, middle < first, middle > first)
        assert is_class[label], (label, thirds)


def test_limits_of_the_pitch_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=r"`periods` is \(9, 5\), expected \(least, largest\)"):
        Chirps(4, periods=(9, 5))


def test_the_second_group_is_the_first_where_the_label_says_so():
    data = MatchToSample(80, groups=3, neurons=2, rate=1.0, noise=0.0, pause_steps=(5, 9))
    x, labels = data.batch(range(80))
    assert x.shape == (80, 6, data.num_steps)
    for sample, label in zip(x, labels, strict=True):
        busy = sample[::2]
        assert (busy == sample[1::2]).all()
        first = busy[:, 0].argmax()
        last_step = np.flatnonzero(busy.any(0))[-1]
        second = busy[:, last_step].argmax()
        assert (first == second) == bool(label)
        assert busy.sum() == 20
    assert labels.mean() == pytest.approx(0.5, abs=0.2)


def test_a_pause_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match=r"`pause_steps` is \(9, 5\), expected"):
        MatchToSample(4, pause_steps=(9, 5))


class Dots(datasets.Recordings):
    """Recordings of one event at a pixel of their number."""

    def __init__(self, count):
        super().__init__((1, 8, 8), 4, 1.0, bool)
        self.count = count

    def __len__(self):
        return self.count

    def recording(self, index):
        from jslayer.io import Event

        return Event([3], [3], [0], [float(index)]), np.int32(index)


def test_augmented_recordings_are_those_of_a_loader_and_change_with_the_seed():
    from functools import partial

    from jslayer.io import augment

    dots = Dots(4)
    change = augment.compose([partial(augment.random_shift, limit=3)])
    data = datasets.Augmented(dots, change, seed=(7, 0))
    x, label = data.batch([2, 1])
    assert x.shape == (2, 1, 8, 8, 4) and label.tolist() == [2, 1]
    np.testing.assert_array_equal(x, data.batch([2, 1])[0])
    loader = datasets.Loader(dots.events, 4, shuffle=False, seed=7, transform=dots.binning(change))
    np.testing.assert_array_equal(next(iter(loader))[0], data.batch(range(4))[0])
    others = [datasets.Augmented(dots, change, seed=(7, e)).batch(range(4))[0] for e in (1, 2)]
    assert (others[0] != others[1]).any()
