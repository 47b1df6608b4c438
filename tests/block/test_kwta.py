"""k winners take all: how many win, and who."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.block import cuba, custom, rf, sigma_delta
from tests.block import cases

LEAKY = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03}
STEPS, WARM_UP = 300, 60


def competition(neuron, neurons, winners, **options):
    """A layer whose drive is its input, one to one, and its variables."""
    network = cuba.KWTA(neuron, neurons, neurons, winners, pre_hook_fx=None, **options)
    params = {
        "synapse": {"weight": jnp.eye(neurons)},
        "self_excitation": jnp.float32(network.self_excitation),
    }
    return network, {"params": params}


def drive(neurons, spread, seed=0):
    """Random drive around zero, new in every step."""
    shape = (4, neurons, STEPS)
    return jnp.asarray(np.random.default_rng(seed).normal(0, spread, shape), jnp.float32)


@pytest.mark.parametrize(
    ("leaks", "tolerance"),
    [((0.25, 0.03), 0.15), ((0.1, 0.1), 0.15), ((1.0, 0.1), 0.3)],
    ids=["both", "slow current", "voltage only"],
)
@pytest.mark.parametrize(("neurons", "winners"), [(10, 1), (10, 3), (20, 4), (50, 5), (50, 10)])
def test_about_k_of_n_leaky_neurons_win_under_random_drive(leaks, tolerance, neurons, winners):
    neuron = {"threshold": 1.0, "current_decay": leaks[0], "voltage_decay": leaks[1]}
    network, variables = competition(neuron, neurons, winners)
    run = jax.jit(network.apply)
    for spread in (0.3, 1.0):
        y = np.asarray(run(variables, drive(neurons, spread)))[..., WARM_UP:]
        np.testing.assert_allclose(y.sum(axis=1).mean(), winners, rtol=tolerance)


@pytest.mark.parametrize("winners", [1, 2, 4])
def test_those_with_the_larger_drive_win(winners):
    network, variables = competition(LEAKY, 12, winners)
    strong = np.arange(12) % (12 // winners) == 0
    x = drive(12, 0.1) + 0.25 * jnp.asarray(strong, jnp.float32)[:, None]
    y = np.asarray(jax.jit(network.apply)(variables, x))[..., WARM_UP:]
    assert strong.sum() == winners
    assert y[:, strong].sum() > 0.8 * y.sum()


@pytest.mark.parametrize(("neurons", "winners"), [(6, 1), (6, 3), (12, 5)])
def test_winners_without_memory_hold_each_other_while_the_drive_is_small(neurons, winners):
    neuron = {**cases.MEMORYLESS, "persistent_state": True}
    network, variables = competition(neuron, neurons, winners)
    x = drive(neurons, 1.0)
    x = 0.7 * jnp.tanh(x)  # below (1 + self_excitation) / 2
    run = jax.jit(functools.partial(network.apply, mutable=["state"]))
    state = run(variables, x)[1]["state"]
    first = jnp.asarray(np.arange(neurons) < winners, jnp.float32)
    state = {**state, "fed_back": jnp.broadcast_to(first, (4, neurons))}
    y, _ = run({**variables, "state": state}, x)
    np.testing.assert_array_equal(y[..., 1:], jnp.broadcast_to(first[:, None], y[..., 1:].shape))


def test_the_bias_is_that_of_the_formula_or_the_one_given_on_the_grid_of_weights():
    made = lambda neuron, **options: cuba.KWTA(neuron, 4, 10, 3, 0.5, **options)
    slow = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.0}
    assert made(cases.MEMORYLESS).bias_in_use(0.5) == 1 + 3 - 0.75
    assert made(slow).bias_in_use(0.5) == 0.125 + 3 - 0.75
    assert made(slow).bias_in_use(2.0) == 0.125 + 3 - 1  # clamped to one
    spread = {**slow, "current_decay": (0.2, 0.3), "shared_param": False}
    assert made(spread).bias_in_use(0.5) == 0.125 + 3 - 0.75
    assert made(slow, bias=0.26).bias_in_use(0.5) == 0.25
    assert rf.KWTA(cases.fields("rf"), 4, 10, 3).bias_in_use(0.5) == 0.75 + 3 - 0.75


def test_the_feedback_excites_oneself_and_inhibits_all_others():
    network = cuba.KWTA(LEAKY, 4, 3, 1)
    np.testing.assert_array_equal(network.feedback(0.5), 1.5 * np.eye(3) - 1)
    np.testing.assert_array_equal(network.feedback(7.0), 2 * np.eye(3) - 1)


@pytest.mark.parametrize("learned", [True, False])
def test_self_excitation_learns_unless_told_otherwise(learned):
    network, variables = competition(LEAKY, 6, 2, requires_grad=learned)
    x = drive(6, 1.0)[..., :30]
    weights = jnp.arange(6.0)[:, None]
    loss = lambda p: jnp.sum(network.apply({"params": p}, x) * weights)
    gradient = jax.jit(jax.grad(loss))(variables["params"])
    assert bool(gradient["self_excitation"] != 0) == learned
    assert np.any(gradient["synapse"]["weight"])


def test_a_neuron_without_a_threshold_of_its_own_needs_a_bias():
    network = custom.KWTA(cases.CUSTOM, 3, 4, 2)
    with pytest.raises(ValueError, match="`bias` is None, expected a number for a neuron that has"):
        network.init(cases.KEY, jnp.ones((1, 3, 2)))


@pytest.mark.parametrize(
    ("winners", "message"),
    [
        (5, "`num_winners` is 5, expected at most `out_neurons`, 4"),
        (0, "`num_winners` is 0, expected"),
    ],
)
def test_a_number_of_winners_that_cannot_be_is_refused(winners, message):
    with pytest.raises(ValueError, match=message):
        cuba.KWTA(LEAKY, 3, 4, winners).init(cases.KEY, jnp.ones((1, 3, 2)))


def test_a_sigma_delta_layer_competes_without_a_bias_that_would_add_up():
    layer = sigma_delta.KWTA(
        {"threshold": 0.125, "activation": "relu"}, 3, 6, 2, self_excitation=0.25, weight_scale=2
    )
    assert layer.bias_in_use(0.25) == 0
    x = jnp.zeros((2, 3, 60)).at[..., 0].set(jnp.array([[0.5, 1.0, 0.25], [1.0, 0.25, 0.5]]))
    variables = jax.jit(layer.init)(jax.random.key(0), x)
    level = np.cumsum(jax.jit(layer.apply)(variables, x), axis=-1)
    assert (level[..., -1] > 0).any() and np.abs(level).max() < 8
