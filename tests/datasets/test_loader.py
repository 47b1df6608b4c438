"""The loader: order, threads, transforms, resuming."""

import json
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest

from jslayer import io
from jslayer.datasets import XOR, Binning, Loader, batches


class Numbers:
    """Eleven numbers and their parity, with no ``batch`` of its own."""

    def __len__(self):
        return 11

    def __getitem__(self, i):
        return np.full((2,), i, np.float32), np.int32(i % 2)


def noisy(sample, *, seed):
    x, label = sample
    return x + np.random.default_rng(seed).standard_normal(2).astype(np.float32), label


def equal(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)
            assert x.dtype == y.dtype


def epochs(loader, count=2):
    return [batch for _ in range(count) for batch in loader]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_each_epoch_is_that_of_batches(workers):
    loader = Loader(Numbers(), 3, seed=5, workers=workers)
    for epoch in range(3):
        assert loader.epoch == epoch
        equal(list(loader), list(batches(Numbers(), 3, seed=(5, epoch))))
    dataset = XOR(3, noise=0.1)
    plain = Loader(dataset, 5, shuffle=False, drop_last=True, workers=workers)
    assert len(plain) == 2
    equal(list(plain), list(batches(dataset, 5, shuffle=False, drop_last=True)))


@pytest.mark.parametrize("options", [{"workers": 1}, {"workers": 4, "prefetch": 7}])
def test_threads_change_nothing(options):
    build = partial(Loader, Numbers(), 2, seed=(1, 2), transform=noisy)
    equal(epochs(build(**options)), epochs(build()))


def test_the_seed_of_a_sample_knows_epoch_and_number_alone():
    def named(batch_size):
        loader = Loader(Numbers(), batch_size, seed=9, transform=lambda s, seed: (s[0], seed))
        xs, seeds = (np.concatenate(part) for part in zip(*epochs(loader), strict=True))
        return {tuple(seed): x[0] for x, seed in zip(xs, seeds.tolist(), strict=True)}

    small, large = named(2), named(5)
    assert small == large
    assert set(small) == {(9, epoch, i + 1) for epoch in range(2) for i in range(11)}
    assert all(number + 1 == seed[2] for seed, number in small.items())


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", range(1, 13))
def test_a_restored_loader_goes_on_with_the_very_next_batch(workers, stop):
    build = partial(Loader, Numbers(), 2, seed=3, transform=noisy, workers=workers)
    whole = epochs(build(), 2)
    loader, seen = build(), []
    while len(seen) < stop:
        for batch in loader:
            seen.append(batch)
            if len(seen) == stop:
                state = json.loads(json.dumps(loader.state()))
                break
    resumed = Loader.restore(state, Numbers(), transform=noisy, workers=workers)
    rest = []
    while len(rest) < len(whole) - stop:
        rest += list(resumed)
    equal(seen + rest, whole)
    other = build()
    other.load_state(state)
    if stop < len(whole):
        equal([next(iter(other))], [whole[stop]])


def test_a_loop_that_was_left_goes_on():
    loader = Loader(Numbers(), 4, shuffle=False)
    next(iter(loader))
    assert [int(x[0, 0]) for x, _ in loader] == [4, 8]
    assert (loader.epoch, loader.position) == (1, 0)
    loader.seek(0, 2)
    assert [int(x[0, 0]) for x, _ in loader] == [8]


def test_an_older_loop_must_not_go_on():
    loader = Loader(Numbers(), 2)
    old = iter(loader)
    next(old)
    next(iter(loader))
    with pytest.raises(RuntimeError, match="out of date, expected only the newest"):
        next(old)
    old = iter(loader)
    loader.seek(0)
    with pytest.raises(RuntimeError, match="out of date"):
        next(old)


def test_threads_read_ahead_but_not_further_than_asked():
    asked = []

    class Slow(Numbers):
        def __getitem__(self, i):
            asked.append(i)
            return super().__getitem__(i)

    iterator = iter(Loader(Slow(), 1, workers=2, prefetch=3))
    next(iterator)
    deadline = time.monotonic() + 10
    while len(asked) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(asked) == 4
    iterator.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("jslayer-loader")]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_in_a_sample_reaches_the_loop_and_can_be_tried_again(workers):
    broken = {4}

    def fails(sample, *, seed):
        if int(sample[0][0]) in broken:
            raise OSError("disk")
        return sample

    loader = Loader(Numbers(), 2, shuffle=False, transform=fails, workers=workers)
    with pytest.raises(OSError, match="disk"):
        list(loader)
    assert loader.position == 2
    broken.clear()
    assert [int(x[0, 0]) for x, _ in loader] == [4, 6, 8, 10]


def test_events_are_changed_and_binned_by_the_loader():
    class Dots:
        def __len__(self):
            return 6

        def __getitem__(self, i):
            return io.Event([i] * 20, None, [0] * 20, np.arange(20.0)), np.int32(i)

    drop = partial(io.augment.drop, probability=0.5)
    plain = next(iter(Loader(Dots(), 6, shuffle=False, transform=Binning((1, 6), 20))))
    assert plain[0].shape == (6, 1, 6, 20) and plain[0].dtype == np.float32
    assert plain[0].sum() == 120 and plain[1].tolist() == list(range(6))
    loader = Loader(Dots(), 6, shuffle=False, transform=Binning((1, 6), 20, augment=drop))
    (first, _), (second, _) = epochs(loader)
    assert 30 < first.sum() < 90 and (first != second).any()
    assert (first[0, 0, 0] != first[1, 0, 1]).any()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"batch_size": 0}, ValueError, "`batch_size` is 0"),
        ({"batch_size": 2.0}, TypeError, "`batch_size` is 2.0"),
        ({"batch_size": 12, "drop_last": True}, ValueError, "`batch_size` is 12 for 11 samples"),
        ({"seed": None}, TypeError, "`seed` is None"),
        ({"workers": -1}, ValueError, "`workers` is -1"),
        ({"workers": 1, "prefetch": 0}, ValueError, "`prefetch` is 0"),
        ({"dataset": []}, ValueError, "`dataset` has no samples"),
    ],
)
def test_bad_arguments_are_refused_at_once(options, error, text):
    with pytest.raises(error, match=text):
        Loader(**({"dataset": Numbers(), "batch_size": 2} | options))


def test_states_of_other_loaders_are_refused():
    loader = Loader(Numbers(), 2, seed=1)
    for change in ({"batch_size": 3}, {"seed": [2]}, {"shuffle": False}, {"samples": 12}):
        name = next(iter(change))
        with pytest.raises(ValueError, match=rf"`state` has {name} .* as this loader"):
            loader.load_state(loader.state() | change)
    with pytest.raises(ValueError, match=r"`state` has \['epoch'\], expected"):
        loader.load_state({"epoch": 1})
    with pytest.raises(ValueError, match=r"`state` lacks \['batch_size'"):
        Loader.restore({"epoch": 1}, Numbers())
    with pytest.raises(ValueError, match="`epoch` and `position` are 0 and 6"):
        loader.load_state(loader.state() | {"position": 6})


def test_a_program_may_end_while_loaders_are_alive(repository):
    command = [sys.executable, "-m", "tests.datasets.loader_left"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0 and "Exception" not in done.stderr, done.stderr
    assert done.stdout.split() == ["60"] * 4  # threads of the program itself go on to their end
