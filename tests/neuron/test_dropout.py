"""Dropout of whole neurons."""

import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.block import cuba as block
from jslayer.neuron import cuba
from jslayer.neuron.dropout import Dropout

X = jnp.ones((4, 50, 6))
KEYS = {"dropout": jax.random.key(0)}


def test_a_neuron_is_dropped_for_all_time_steps_and_the_others_are_scaled():
    y = np.asarray(Dropout(0.25).apply({}, X, train=True, rngs=KEYS))
    np.testing.assert_array_equal(y, np.broadcast_to(y[..., :1], y.shape))
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert 0.15 < (y[..., 0] == 0).mean() < 0.35
    assert (y[0, :, 0] != y[1, :, 0]).any()  # each sample has its own


def test_the_same_key_drops_the_same_neurons_and_another_key_others():
    drop = lambda key: Dropout(0.5).apply({}, X, train=True, rngs={"dropout": jax.random.key(key)})
    np.testing.assert_array_equal(drop(1), drop(1))
    assert (drop(1) != drop(2)).any()


@pytest.mark.parametrize(("p", "factor"), [(0.0, 1), (1.0, 0)])
def test_the_ends_need_no_random_numbers(p, factor):
    np.testing.assert_array_equal(Dropout(p).apply({}, X, train=True), factor * X)


def test_out_of_training_it_is_the_identity():
    np.testing.assert_array_equal(Dropout(0.5).apply({}, X), X)


def test_training_without_random_numbers_is_refused():
    with pytest.raises(flax.errors.InvalidRngError, match="dropout"):
        Dropout(0.5).apply({}, X, train=True)


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_a_probability_out_of_range_is_refused(p):
    with pytest.raises(ValueError, match=rf"`p` is {p}, expected numbers in \[0, 1\]"):
        Dropout(p).apply({}, X)


@pytest.mark.parametrize("dropout", [0.5, Dropout(0.5)])
def test_a_neuron_drops_its_drive_while_training(dropout):
    neuron = cuba.Neuron(0.5, 1.0, 1.0, dropout=dropout)
    spikes = np.asarray(neuron.apply({}, X, train=True, rngs=KEYS))
    np.testing.assert_array_equal(spikes, np.broadcast_to(spikes[..., :1], spikes.shape))
    assert 0.3 < spikes.mean() < 0.7
    assert neuron.apply({}, X).all()


@pytest.mark.parametrize("kind", ["Recurrent", "KWTA"])
def test_a_block_with_feedback_drops_a_neuron_for_drive_and_feedback(kind):
    neuron = {"threshold": 0.25, "current_decay": 1.0, "voltage_decay": 1.0, "dropout": 0.5}
    winners = {"num_winners": 64, "bias": 0.0} if kind == "KWTA" else {}
    layer = getattr(block, kind)(neuron, 1, 64, weight_scale=3, delay_shift=False, **winners)
    x = jnp.ones((4, 1, 12))
    variables = layer.init(jax.random.key(0), x)
    run = lambda **options: np.asarray(layer.apply(variables, x, **options)).any(axis=-1)
    for key in range(2):
        active = run(train=True, rngs={"dropout": jax.random.key(key)})
        assert 0.1 < (active.sum() / run().sum()) < 0.9
