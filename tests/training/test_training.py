"""The training loop: it learns, keeps what must stay, and compiles once."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer.block import Sequential, cuba
from jslayer.loss import SpikeRate
from jslayer.neuron import Dropout, MeanOnlyBatchNorm
from jslayer.training import create_state, eval_step, train_step

NEURON = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, "requires_grad": True}
LOSS = SpikeRate(true_rate=0.3, false_rate=0.02)
LABEL = np.array([0, 1, 0, 1], np.int32)


@pytest.fixture(autouse=True)
def _standard_promotion():
    # Adam multiplies floats with its step count; draws of this kind compile much sooner.
    with jax.numpy_dtype_promotion("standard"), jax.default_prng_impl("rbg"):
        yield


def inputs():
    x = np.zeros((4, 6, 24), np.float32)
    x[LABEL == 0, :3, ::2] = 1
    x[LABEL == 1, 3:, ::2] = 1
    return x


def network(**changes):
    neuron = {**NEURON, **changes}
    fixed = {**NEURON, "requires_grad": False}  # so that there are constants
    return Sequential(
        [cuba.Dense(neuron, 6, 16, weight_scale=2), cuba.Dense(fixed, 16, 2, weight_scale=2)]
    )


def fresh(seed=0, optimizer=None, **changes):
    return create_state(network(**changes), inputs(), optimizer or optax.adam(3e-3), seed=seed)


def right(y, label):
    return jnp.sum(jnp.argmax(jnp.mean(y, axis=-1), axis=1).astype(jnp.int32) == label)


def host(tree):
    return jax.tree.map(np.array, jax.device_get(tree))


def equal(a, b):
    return jax.tree.all(jax.tree.map(np.array_equal, host(a), host(b)))


def test_the_loss_falls_and_the_classes_are_learned():
    step, state, losses = train_step(LOSS, count_correct=right), fresh(), []
    for _ in range(60):
        state, metrics = step(state, inputs(), LABEL)
        losses.append(float(metrics["loss"]))
    assert losses[-1] < 0.5 * losses[0]
    assert metrics["correct"] == 4
    assert metrics["correct"].dtype == jnp.float32
    assert int(state.step) == 60


def test_nothing_is_counted_unless_asked_for():
    state = fresh()
    assert list(eval_step(LOSS)(state, inputs(), LABEL)[1]) == ["loss"]
    assert list(train_step(LOSS)(state, inputs(), LABEL)[1]) == ["loss", "not_finite"]


def test_a_step_updates_parameters_and_running_statistics_but_no_constants():
    state = fresh(norm=MeanOnlyBatchNorm)
    before = host(state.variables)
    assert {"params", "constants", "batch_stats"} <= set(before)
    state, _ = train_step(LOSS)(state, inputs(), LABEL)
    assert not equal(before["params"], state.params)
    assert not equal(before["batch_stats"], state.others["batch_stats"])
    assert equal(before["constants"], state.others["constants"])


def test_a_step_is_the_gradient_of_the_loss_applied_by_the_optimiser():
    rate = 0.01
    state = fresh(optimizer=optax.sgd(rate))
    variables = host(state.variables)

    def objective(params):
        y = network().apply({**variables, "params": params}, inputs(), train=True)
        return LOSS(y, LABEL)

    value, gradients = jax.jit(jax.value_and_grad(objective))(variables["params"])
    state, metrics = train_step(LOSS)(state, inputs(), LABEL)
    wanted = jax.tree.map(lambda p, g: p - rate * g, variables["params"], gradients)
    np.testing.assert_allclose(metrics["loss"], value, rtol=1e-6)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), state.params, wanted
    )


def test_dropout_differs_from_step_to_step_and_is_fixed_by_the_seed():
    # With a learning rate of 0 only the dropout can change the loss.
    dropping, still, step = network(dropout=Dropout(0.5)), optax.sgd(0.0), train_step(LOSS)

    def losses(seed):
        state, found = create_state(dropping, inputs(), still, seed=seed), []
        for _ in range(4):
            state, metrics = step(state, inputs(), LABEL)
            found.append(float(metrics["loss"]))
        return found

    first = losses(0)
    assert len(set(first)) > 1
    assert losses(0) == first
    assert losses(1) != first


def test_the_seed_fixes_the_parameters():
    assert equal(fresh(3).params, fresh(3).params)
    assert not equal(fresh(3).params, fresh(4).params)


def test_a_step_compiles_once_and_uses_its_state_up():
    traces = []

    def loss(y, label):
        traces.append(None)
        return LOSS(y, label)

    step, first = train_step(loss), fresh()
    leaf = jax.tree.leaves(first.params)[0]
    state, _ = step(first, inputs(), LABEL)
    once = len(traces)
    assert leaf.is_deleted()
    for _ in range(3):
        state, _ = step(state, inputs(), LABEL)
    assert len(traces) == once


def test_evaluation_is_deterministic_and_changes_nothing():
    state = fresh(norm=MeanOnlyBatchNorm, dropout=Dropout(0.5))
    before = host(state.variables)
    evaluate = eval_step(LOSS, count_correct=right)
    y, metrics = evaluate(state, inputs(), LABEL)
    again, _ = evaluate(state, inputs(), LABEL)
    np.testing.assert_array_equal(y, again)
    np.testing.assert_array_equal(y, jax.jit(state.apply_fn)(before, inputs()))
    np.testing.assert_allclose(metrics["loss"], LOSS(y, LABEL), rtol=1e-6)
    assert float(metrics["correct"]) == float(right(y, LABEL))
    assert equal(before, state.variables)


def test_variables_are_what_the_network_takes():
    state = fresh()
    assert set(state.variables) == {"params", *state.others}
    assert state.variables["params"] is state.params
    y = jax.eval_shape(network().apply, state.variables, inputs())
    assert y.shape == (4, 2, 24)
