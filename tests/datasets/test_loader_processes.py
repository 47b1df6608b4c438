"""Processes read disjoint parts of the batches that one process would have."""

import numpy as np
import pytest

from jslayer.datasets import Loader, MovingBars, batches

SAMPLES = [(np.float32(i), i % 3) for i in range(22)]


class Part:
    """Who reads what, of devices that need not be there: one for each process."""

    def __init__(self, process, processes):
        self.process, self.processes = process, processes

    def rows(self, samples):
        each, left = divmod(samples, self.processes)
        return slice(0, samples) if left else slice(self.process * each, (self.process + 1) * each)

    def place(self, batch, samples):
        return *batch, samples


def make(processes, **options):
    return [
        Loader(SAMPLES, 8, seed=3, sharding=Part(p, processes), **options) for p in range(processes)
    ]


def joined(parts):
    """A batch of all processes, from what each has read."""
    whole = parts[0][0].shape[0] == parts[0][-1]
    return parts[0][0] if whole else np.concatenate([part[0] for part in parts])


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_all_processes_are_those_of_one(processes, workers):
    loaders, one = make(processes, workers=workers), Loader(SAMPLES, 8, seed=3)
    for _ in range(2):
        found = [joined(parts) for parts in zip(*loaders, strict=True)]
        for batch, expected in zip(found, one, strict=True):
            np.testing.assert_array_equal(batch, expected[0])
    assert len({tuple(loader.state().items()).__repr__() for loader in loaders}) == 1


def test_a_last_batch_that_does_not_divide_is_whole_everywhere():
    *_, last = zip(*make(4), strict=True)
    assert [part[0].shape for part in last] == [(6,)] * 4
    assert [part[-1] for part in last] == [6] * 4


def test_a_run_goes_on_with_another_number_of_processes():
    two = make(2)
    for loader in two:
        next(iter(loader))
    state = two[0].state()
    assert state == two[1].state()
    four = [Loader.restore(state, SAMPLES, sharding=Part(p, 4)) for p in range(4)]
    one = Loader.restore(state, SAMPLES)
    for parts, expected in zip(zip(*four, strict=True), one, strict=True):
        np.testing.assert_array_equal(joined(parts), expected[0])


def test_a_sample_is_changed_as_in_one_process():
    drawn = lambda sample, seed: (np.random.default_rng(seed).random(), sample[1])
    two = make(2, transform=drawn)
    one = Loader(SAMPLES, 8, seed=3, transform=drawn)
    for parts, expected in zip(zip(*two, strict=True), one, strict=True):
        np.testing.assert_array_equal(joined(parts), expected[0])


def test_an_order_that_each_would_draw_for_itself_is_refused():
    with pytest.raises(ValueError, match="`seed` is None for 2 processes, expected one that they"):
        batches(SAMPLES, 8, sharding=Part(0, 2))


def test_lists_of_events_of_any_size_are_refused():
    data = type("Data", (), {"as_events": True, "capacity": None, "__len__": lambda self: 22})()
    with pytest.raises(ValueError, match=r"`capacity` of the data set is None.*give .* a capacity"):
        Loader(data, 8, sharding=Part(0, 2))
    Loader(data, 8, sharding=Part(0, 1))
    Loader(MovingBars(8, as_events=True), 4, sharding=Part(0, 2))
