"""Batches: order, seeds, shapes."""

import numpy as np
import pytest

from jslayer.datasets import XOR, batches


class Numbers:
    """Ten numbers and their parity, with no ``batch`` of its own."""

    def __len__(self):
        return 10

    def __getitem__(self, i):
        return np.full((2,), i, np.float32), np.int32(i % 2)


def order(**kwargs):
    return [int(i) for x, _ in batches(Numbers(), 3, **kwargs) for i in x[:, 0]]


def test_every_sample_comes_once():
    assert sorted(order(seed=0)) == list(range(10))
    assert order(shuffle=False) == list(range(10))
    assert order(seed=0) != list(range(10))


def test_the_seed_and_the_epoch_fix_the_order():
    assert order(seed=(3, 1)) == order(seed=(3, 1)) != order(seed=(3, 2))
    assert order(seed=3) == order(seed=3) != order(seed=4)
    assert order(seed=np.random.default_rng(3)) == order(seed=3)


def test_the_last_batch_is_smaller_or_left_out():
    sizes = [len(x) for x, _ in batches(Numbers(), 3, seed=0)]
    assert sizes == [3, 3, 3, 1]
    assert [len(x) for x, _ in batches(Numbers(), 3, seed=0, drop_last=True)] == [3, 3, 3]
    assert [len(x) for x, _ in batches(Numbers(), 100, seed=0)] == [10]


def test_parts_are_stacked_with_their_types():
    x, label = next(batches(Numbers(), 4, shuffle=False))
    assert x.shape == (4, 2) and x.dtype == np.float32
    assert label.tolist() == [0, 1, 0, 1] and label.dtype == np.int32


def test_batches_of_a_data_set_equal_its_samples():
    dataset = XOR(3, noise=0.1)
    for parts in batches(dataset, 5, shuffle=False):
        assert len(parts) == 3
    last = parts[0][-1]
    np.testing.assert_array_equal(last, dataset[len(dataset) - 1][0])


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((0,), ValueError, "`batch_size` is 0, expected an integer from 1 on"),
        ((2.0,), TypeError, "`batch_size` is 2.0"),
        ((11, 0, True, True), ValueError, "`batch_size` is 11 for 10 samples"),
        ((3, "x"), TypeError, "`seed` is 'x'"),
        ((3, -1), ValueError, "`seed` is -1"),
        ((3, ()), ValueError, r"`seed` is \(\)"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(arguments, error, text):
    names = ("batch_size", "seed", "shuffle", "drop_last")
    with pytest.raises(error, match=text):
        batches(Numbers(), **dict(zip(names, arguments, strict=False)))
