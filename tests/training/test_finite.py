"""A training that meets NaN or infinity says where, and keeps its last good state."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer import loss
from jslayer.block import Sequential, cuba
from jslayer.cli import train as command
from jslayer.training import (
    Assistant,
    NotFiniteError,
    create_state,
    finite,
    require_finite,
    train_step,
)

NEURON = {"threshold": 1.0, "current_decay": 0.5, "voltage_decay": 0.25}
NETWORK, LONG = (
    Sequential([cuba.Dense(NEURON, 3, 3, weight_scale=4) for _ in range(blocks)])
    for blocks in (2, 12)  # with more than ten, the order of names is not that of the network
)
X = jnp.asarray(np.random.default_rng(0).random((4, 3, 16)) < 0.5, jnp.float32)
LABEL = np.array([0, 1, 2, 0])
ERROR = loss.SpikeRate(0.5, 0.1)


@pytest.fixture(scope="module")
def step():
    return train_step(ERROR, keep_finite=True)


def fresh(rate=0.1):
    return create_state(NETWORK, X, optax.sgd(rate))


def spoiled(state, *names):
    """The state with NaN in a weight of some blocks."""
    params = {**state.params}
    for name in names:
        weight = params[name]["synapse"]["weight"]
        params[name] = {"synapse": {"weight": weight.at[0, 0].set(jnp.nan)}}
    return state.replace(params=params)


@pytest.fixture(autouse=True)
def standard_promotion():
    with jax.numpy_dtype_promotion("standard"):  # optax
        yield


def test_a_step_of_numbers_says_nothing(step):
    state, metrics = step(fresh(), X, LABEL)
    assert metrics["not_finite"] == 0
    require_finite(state, metrics)
    assert state.step == 1


def test_a_healthy_loss_hides_no_nan_weight(step):
    state, metrics = step(spoiled(fresh(), "blocks_1"), X, LABEL)
    assert np.isfinite(metrics["loss"])
    # the layers in front get their gradient through that weight
    with pytest.raises(NotFiniteError, match="`blocks_0/synapse/weight` or its gradient holds"):
        require_finite(state, metrics)


@pytest.mark.parametrize("called", [True, False])
def test_the_first_layer_is_the_first_of_the_network(called):
    shapes = jax.eval_shape(LONG.init, jax.random.key(0), X)
    gradients = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), shapes["params"])
    state = spoiled(fresh().replace(params=gradients), "blocks_10", "blocks_2", "blocks_11")
    with finite.calls() as order:
        if called:
            jax.eval_shape(LONG.apply, shapes, X)
    wrong = finite.not_finite(state.params, gradients, jnp.float32(0.0), order)
    with pytest.raises(NotFiniteError, match="`blocks_2/synapse/weight`"):
        require_finite(state, {"not_finite": wrong})


@pytest.mark.parametrize("parts", [1, 2])
def test_one_nan_in_a_batch_is_met(parts):
    step = train_step(ERROR, accumulate=parts)
    state, metrics = step(fresh(), X.at[3, 1, 4].set(jnp.nan), LABEL)
    assert np.isfinite(metrics["loss"])
    with pytest.raises(NotFiniteError, match="`blocks_0/synapse/weight`"):
        require_finite(state, metrics)
    assert not np.isfinite(state.params["blocks_0"]["synapse"]["weight"]).all()


def test_a_loss_that_is_no_number_is_named_last():
    step = train_step(lambda y, _: 0.0 * jnp.sum(y) + jax.lax.stop_gradient(jnp.nan))
    state, metrics = step(fresh(), X, LABEL)
    with pytest.raises(NotFiniteError, match="the loss holds NaN or infinity"):
        require_finite(state, metrics)


def test_a_step_that_is_not_finite_changes_nothing(step):
    before = jax.device_get(fresh())
    state, metrics = step(fresh(), X.at[0, 0, 0].set(jnp.nan), LABEL)
    assert metrics["not_finite"] > 0
    same = lambda a, b: np.testing.assert_array_equal(a, b)
    jax.tree.map(same, before.params, jax.device_get(state.params))
    assert state.step == 0


def test_parameters_that_leave_float32_are_met_in_the_step_that_they_do():
    step = train_step(lambda y, _: 1e20 * jnp.sum(y), keep_finite=True)
    state, metrics = step(fresh(1e30), X, LABEL)
    with pytest.raises(NotFiniteError, match="`blocks_0/synapse/weight`"):
        require_finite(state, metrics)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))


def test_the_assistant_stops_and_keeps_its_last_good_state():
    assistant = Assistant(NETWORK, ERROR, optax.sgd(0.1), sample=X)
    assistant.train(X, LABEL)
    good = jax.device_get(assistant.state.params)
    bad = X.at[0, 0, 0].set(jnp.nan)
    assistant.train(bad, LABEL)
    with pytest.raises(NotFiniteError, match="`blocks_0/synapse/weight`"):
        assistant.end_epoch()
    jax.tree.map(np.testing.assert_array_equal, good, jax.device_get(assistant.state.params))
    assistant.train(bad, LABEL)
    with pytest.raises(NotFiniteError):
        assistant.train(X, LABEL)
    told = []
    hooked = Assistant(assistant.state, ERROR, hooks=[lambda step, values: told.append(step)])
    with pytest.raises(NotFiniteError):
        hooked.train(bad, LABEL)


class Spoiled:
    """A training set one of whose samples holds NaN from some draw on."""

    def __init__(self, good, after):
        self.good, self.after, self.drawn = good, after, 0

    def __len__(self):
        return len(self.good)

    def batch(self, chosen):
        self.drawn += 1
        x, *rest = self.good.batch(chosen)
        return (x if self.drawn <= self.after else x * np.float32(np.nan), *rest)


def test_the_command_stops_and_its_checkpoint_stays(tmp_path, monkeypatch, capsys):
    made = command.RECIPES["xor"]

    def recipe(*given):
        found = made(*given)
        good = Spoiled(found.training, 4)  # epochs of one step, behind the sample that makes shapes
        return dataclasses.replace(found, training=good, log_every=2)

    monkeypatch.setitem(command.RECIPES, "xor", recipe)
    options = ["--data", "xor", "--out", str(tmp_path), "--epochs", "9"]
    assert command.main(options) == 2
    told = capsys.readouterr().err
    assert "or its gradient holds NaN or infinity after a training step" in told
    assert "keeps the last good state" in told
    prepared = command.prepare(command.parser().parse_args([*options, "--resume"]))
    prepared.claim.release()
    assert prepared.stats.epochs == 2
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(prepared.state.params))
