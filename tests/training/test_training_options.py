"""What a training step measures and adds: rates, sparsity, gradient norms, batches in parts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jslayer
from jslayer import loss
from jslayer.block import Sequential, cuba
from jslayer.neuron import Dropout
from jslayer.training import create_state, eval_step, train_step

NEURON = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, "requires_grad": True}
X = np.asarray(np.random.default_rng(0).random((8, 6, 20)) < 0.3, np.float32)
LABEL = np.array([0, 1, 0, 1, 1, 1, 0, 0], np.int32)
SUM = loss.SpikeRate(true_rate=0.3, false_rate=0.02)
SGD = optax.sgd(0.1)
MEAN = loss.SpikeRate(true_rate=0.3, false_rate=0.02, reduction="mean")


@pytest.fixture(autouse=True)
def _standard_promotion():
    # Adam multiplies floats with its step count; draws of this kind compile much sooner.
    with jax.numpy_dtype_promotion("standard"), jax.default_prng_impl("rbg"):
        yield


def network(**changes):
    neuron = {**NEURON, **changes}
    return Sequential(
        [cuba.Dense(neuron, 6, 8, weight_scale=4), cuba.Dense(neuron, 8, 2, weight_scale=4)]
    )


@functools.cache
def first_variables():
    return jax.device_get(create_state(network(), X, SGD, seed=0))


def fresh(optimizer=None, **changes):
    if optimizer or changes:
        return create_state(network(**changes), X, optimizer or SGD, seed=0)
    return jax.tree.map(jnp.array, first_variables())  # a copy, as a step uses its state up


def right(y, label):
    return jnp.sum(jnp.argmax(jnp.mean(y, axis=-1), axis=1).astype(jnp.int32) == label)


def test_rates_are_those_that_the_blocks_count():
    state = fresh()
    apply = jax.jit(lambda given, x: network().apply(given, x, mutable="intermediates"))
    y, seen = apply(state.variables, X)
    counted = jslayer.event_rates(seen["intermediates"])
    found, metrics = eval_step(SUM, rates=True)(state, X, LABEL)
    np.testing.assert_array_equal(found, y)
    assert metrics["event_rates"] == counted
    _, metrics = train_step(SUM, rates=True)(state, X, LABEL)
    assert metrics["event_rates"] == counted
    assert counted["blocks_0"] > 0


def test_what_is_not_asked_for_is_not_measured_and_changes_nothing():
    plain, metrics = train_step(SUM)(fresh(), X, LABEL)
    assert list(metrics) == ["loss", "not_finite"]
    watched, metrics = train_step(SUM, rates=True, gradient_norms=True)(fresh(), X, LABEL)
    names = {"loss", "not_finite", "event_rates", "gradient_norms", "gradient_norm"}
    assert set(metrics) == names
    for a, b in zip(jax.tree.leaves(plain.params), jax.tree.leaves(watched.params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_penalty_on_rates_makes_the_network_sparser():
    silent_loss = lambda y, _: 0.0 * jnp.sum(y)
    step, state, rates = train_step(silent_loss, rates=True, sparsity=(0.05, 1.0)), None, []
    state = fresh(optax.adam(0.05), tau_grad=0.1)
    for _ in range(30):
        state, metrics = step(state, X, LABEL)
        rates.append(metrics["event_rates"])
    for name, before in rates[0].items():
        assert before > 0.06
        assert rates[-1][name] < 0.7 * before
    expected = loss.event_rate_loss(rates[-1], max_rate=0.05, lam=1.0)
    np.testing.assert_allclose(metrics["sparsity"], expected, rtol=1e-5)
    assert metrics["loss"] == 0


def test_gradient_norms_are_those_of_the_gradients():
    state = fresh()
    error = lambda p: SUM(network().apply({**state.others, "params": p}, X), LABEL)
    gradients = jax.device_get(jax.jit(jax.grad(error))(state.params))
    expected = np.linalg.norm(gradients["blocks_1"]["synapse"]["weight"])
    total = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(gradients)))
    _, metrics = train_step(SUM, gradient_norms=True)(state, X, LABEL)
    norms = metrics["gradient_norms"]
    np.testing.assert_allclose(norms["blocks_1/synapse/weight"], expected, rtol=1e-4)
    np.testing.assert_allclose(metrics["gradient_norm"], total, rtol=1e-4)
    assert set(norms) == {
        f"blocks_{k}/{name}"
        for k in (0, 1)
        for name in ("synapse/weight", "neuron/current_decay", "neuron/voltage_decay")
    }


@pytest.mark.parametrize(("criterion", "parts"), [(SUM, 2), (MEAN, 4)], ids=["sum", "mean"])
def test_a_batch_in_parts_teaches_what_the_whole_does(criterion, parts):
    options = {"count_correct": right, "gradient_norms": True, "rates": True}
    whole, expected = train_step(criterion, **options)(fresh(), X, LABEL)
    found, metrics = train_step(criterion, accumulate=parts, **options)(fresh(), X, LABEL)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    jax.tree.map(close, found.params, whole.params)
    jax.tree.map(close, metrics, expected)
    assert int(found.step) == 1


def test_the_penalty_of_parts_weighs_as_much_as_that_of_the_whole():
    # every sample the same, so that the parts have the rates of the whole
    x, label = np.repeat(X[:1], 8, axis=0), np.repeat(LABEL[:1], 8)
    options = {"sparsity": (0.01, 3.0)}
    whole, expected = train_step(SUM, **options)(fresh(), x, label)
    found, metrics = train_step(SUM, accumulate=4, **options)(fresh(), x, label)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    jax.tree.map(close, found.params, whole.params)
    jax.tree.map(close, metrics, expected)


def test_a_function_says_by_an_argument_how_it_reduces():
    plain = lambda y, label: jnp.sum((jnp.mean(y, axis=-1) - 0.5) ** 2)
    with pytest.raises(ValueError, match="`reduction` is None and the loss has no attribute"):
        train_step(plain, accumulate=2)
    whole, _ = train_step(plain)(fresh(), X, LABEL)
    found, _ = train_step(plain, accumulate=2, reduction="sum")(fresh(), X, LABEL)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), found.params, whole.params
    )


def test_every_part_drops_other_neurons():
    same = np.repeat(X[:1], 8, axis=0)
    outputs = []

    def watch(y, label):
        jax.debug.callback(lambda y: outputs.append(np.asarray(y)), y)
        return jnp.sum(y)

    state = fresh(dropout=Dropout(0.5))
    train_step(watch, accumulate=8, reduction="sum")(state, same, LABEL)
    jax.effects_barrier()
    assert len(outputs) == 8
    assert any(not np.array_equal(outputs[0], other) for other in outputs[1:])


def test_a_batch_that_cannot_be_cut_is_refused():
    step = train_step(SUM, accumulate=3)
    with pytest.raises(ValueError, match="`accumulate` is 3 for a batch of 8 samples, expected"):
        step(fresh(), X, LABEL)
    with pytest.raises(ValueError, match="`accumulate` is 0, expected a whole number"):
        train_step(SUM, accumulate=0)
    with pytest.raises(ValueError, match="`reduction` is 'max', expected one of"):
        train_step(SUM, accumulate=2, reduction="max")


def test_clipping_and_schedules_are_those_of_optax():
    optimizer = optax.chain(
        optax.clip_by_global_norm(1e-3), optax.sgd(optax.piecewise_constant_schedule(1.0, {1: 0.5}))
    )
    state, lengths = fresh(optimizer), []
    step = train_step(SUM)
    for _ in range(2):
        before = jax.tree.map(np.array, state.params)
        state, _ = step(state, X, LABEL)
        moved = jax.tree.map(lambda a, b: np.sum((a - b) ** 2), state.params, before)
        lengths.append(np.sqrt(sum(jax.tree.leaves(moved))))
    np.testing.assert_allclose(lengths, [1e-3, 5e-4], rtol=1e-2)
