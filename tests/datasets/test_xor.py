"""XOR of two bits as spike trains."""

import numpy as np
import pytest

from jslayer.datasets import XOR


def test_samples_are_the_truth_table():
    dataset = XOR(2, neurons_per_bit=20, outputs=3, num_steps=80)
    assert len(dataset) == 8
    assert dataset.bits[:4].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert dataset.labels.tolist() == [0, 1, 1, 0] * 2
    x, desired, label = dataset[1]
    assert x.shape == (40, 80) and desired.shape == (3, 80) and label == 1
    assert x.dtype == desired.dtype == np.float32 and label.dtype == np.int32
    assert set(np.unique(x)) == {0.0, 1.0}


def test_a_population_shows_its_bit_and_nothing_else():
    x, _, labels = XOR(neurons_per_bit=20).batch(range(4))
    first, second = x[:, :20], x[:, 20:]
    np.testing.assert_array_equal(first[0], first[1])  # bits 00 and 01, answers 0 and 1
    np.testing.assert_array_equal(first[2], first[3])
    np.testing.assert_array_equal(second[0], second[2])
    np.testing.assert_array_equal(second[1], second[3])
    assert (first[0] != first[2]).any() and (second[0] != second[1]).any()
    assert labels.tolist() == [0, 1, 1, 0]


def test_the_two_answers_ask_for_different_trains():
    _, desired, labels = XOR(outputs=4, output_spikes=5).batch(range(4))
    np.testing.assert_array_equal(desired[0], desired[3])
    np.testing.assert_array_equal(desired[1], desired[2])
    assert (desired[0] * desired[1]).sum() == 0
    assert (desired.sum(-1) == 5).all()
    assert set(labels.tolist()) == {0, 1}


def test_the_seed_fixes_everything():
    settings = {"jitter": 1.0, "drop": 0.1, "noise": 0.01}
    a, b, c = (XOR(3, seed=seed, **settings).batch(range(12)) for seed in (1, 1, 2))
    for k in range(3):
        np.testing.assert_array_equal(a[k], b[k])
    assert (a[0] != c[0]).any() and (a[1] != c[1]).any()


def test_noise_makes_repetitions_differ_and_has_the_stated_size():
    clean = XOR(50).batch(range(200))[0]
    np.testing.assert_array_equal(clean[0], clean[4])
    dropped = XOR(50, drop=0.3).batch(range(200))[0]
    assert (dropped <= clean).all()
    assert abs(dropped.sum() / clean.sum() - 0.7) < 0.02
    noisy = XOR(50, noise=0.02).batch(range(200))[0]
    assert (noisy >= clean).all()
    assert abs((noisy - clean)[clean == 0].mean() - 0.02) < 0.001
    moved = XOR(50, jitter=1.0).batch(range(200))[0]
    assert (moved[0] != moved[4]).any()
    assert abs(moved.sum() / clean.sum() - 1) < 0.1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"repetitions": 0}, "`repetitions` is 0"),
        ({"rate": 1.5}, "`rate` is 1.5, expected a probability"),
        ({"drop": -0.1}, "`drop` is -0.1"),
        ({"noise": float("nan")}, "`noise` is nan"),
        ({"jitter": -1.0}, "`jitter` is -1.0"),
        ({"output_spikes": 50}, "`output_spikes` is 50 for 100 steps, expected at most 15"),
        ({"seed": -1}, "`seed` is -1"),
    ],
)
def test_bad_arguments_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        XOR(**arguments)
