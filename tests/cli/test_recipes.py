"""The recipes: their networks fit their data, and decays that shall be found are found."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer import datasets, training
from jslayer.cli.recipes import ABOUT, RECIPES
from jslayer.cli.recipes.base import by_module, cross_entropy

FILES = ("nmnist", "nmnist_conv", "oxford")
"""Recipes whose data are files."""


@pytest.fixture(autouse=True)
def _standard_promotion():
    with jax.numpy_dtype_promotion("standard"):  # Adam multiplies floats with its step count
        yield


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in FILES])
def test_a_network_fits_its_data(name):
    recipe = RECIPES[name](None, 0)
    batch = recipe.training.batch([0, 1])
    y, _ = jax.eval_shape(recipe.network.init_with_output, jax.random.key(0), batch[0])
    assert y.shape[0] == 2 and y.shape[-1] == np.shape(batch[0])[-1]
    loss = jax.eval_shape(recipe.loss, y, recipe.target(batch))
    assert loss.shape == ()
    assert recipe.data(3) is recipe.training


@pytest.fixture
def digits(tmp_path):
    """A folder like that of N-MNIST with two recordings of a digit in each part."""
    from jslayer.io import Event, encode_2d_spikes

    rng = np.random.default_rng(0)
    for part in ("Train", "Test"):
        for label in (0, 1):
            folder = tmp_path / part / str(label)
            folder.mkdir(parents=True)
            for number in range(2):
                x, y = rng.integers(0, 34, (2, 50))
                event = Event(x, y, rng.integers(0, 2, 50), np.sort(rng.uniform(0, 290, 50)))
                encode_2d_spikes(folder / f"{number}.bin", event)
    return tmp_path


def test_recordings_held_out_are_judged_and_not_learned_from(digits):
    recipe = RECIPES["nmnist_conv"](digits, 0, held_out=[1, 2])
    assert (len(recipe.training), len(recipe.testing)) == (2, 2)
    x, label = recipe.testing.batch([0, 1])
    assert x.shape == (2, 2, 34, 34, 30) and x.dtype == bool and label.tolist() == [0, 1]
    still, label = recipe.training.batch([0, 1])
    moved = [recipe.data(epoch).batch([0, 1])[0] for epoch in (0, 0, 1)]
    np.testing.assert_array_equal(moved[0], moved[1])
    assert (moved[1] != moved[2]).any() and (still != moved[0]).any()
    y, _ = jax.eval_shape(recipe.network.init_with_output, jax.random.key(0), x)
    assert y.shape == (2, 10, 30)


def test_an_optimiser_of_its_own_moves_its_part_alone():
    params = {"blocks_0": {"neuron": {"decay": jnp.ones(2)}, "synapse": {"weight": jnp.ones(2)}}}
    optimizer = by_module(optax.sgd(0.1), neuron=optax.set_to_zero(), delay_line=optax.sgd(9.0))
    updates, _ = optimizer.update(params, optimizer.init(params))
    np.testing.assert_allclose(updates["blocks_0"]["synapse"]["weight"], -0.1)
    np.testing.assert_array_equal(updates["blocks_0"]["neuron"]["decay"], 0.0)


def test_cross_entropy_is_that_of_mean_voltages():
    voltage = jnp.array([[[1.0, 3.0], [0.0, 0.0]], [[0.0, 0.0], [-1.0, 1.0]]])
    expected = np.log1p(np.exp(-2.0)) + np.log(2.0)
    assert float(cross_entropy(voltage, jnp.array([0, 1]))) == pytest.approx(expected, rel=1e-6)


def test_a_neuron_whose_weight_is_held_finds_its_decays():
    recipe = RECIPES["consecutive_spikes"](None, 0)
    data = datasets.ConsecutiveSpikes(8, num_steps=100)
    recipe = dataclasses.replace(recipe, optimizer=optax.adam(0.05))
    x, desired = data.batch(range(8))
    state = training.create_state(recipe.network, x, recipe.optimizer)
    step = training.train_step(recipe.loss)
    losses = []
    for _ in range(150):
        state, metrics = step(state, x, desired)
        losses.append(float(metrics["loss"]))
    neuron = state.params["blocks_0"]["neuron"]
    # from 0.1 to where the answer is right: 0.4 and 0.7
    assert 0.3 < float(neuron["current_decay"]) < 0.5
    assert 0.5 < float(neuron["voltage_decay"]) < 0.9
    assert losses[-1] < 0.05 * losses[0]
    used = recipe.network.blocks[0].pre_hook_fx(state.params["blocks_0"]["synapse"]["weight"])
    np.testing.assert_array_equal(used, 17 / 64)


def test_every_recipe_says_what_it_is():
    assert set(ABOUT) == set(RECIPES)
    assert all(about.task and about.needs and about.expect for about in ABOUT.values())
