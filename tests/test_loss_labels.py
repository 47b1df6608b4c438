"""Labels that no class has: refused where they can be seen, a loss that is no number elsewhere."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer import classifier, loss
from jslayer.block import Sequential, cuba
from jslayer.training import Assistant, create_state, diagnose, eval_step, train_step

X = jnp.asarray(np.random.default_rng(0).random((2, 3, 8)) < 0.5, jnp.float32)
LABELS = {
    "too low": np.array([0, -1]),
    "too high": np.array([3, 1]),
    "far": np.array([99, 0], np.uint8),
}
MULTI = {"above 1": np.array([[0.0, 2.0, 0.0]] * 2), "below 0": np.array([[0.0, 1.0, -1.0]] * 2)}
CLASSES = {
    "rate": loss.SpikeRate(0.5, 0.1),
    "moving rate": loss.SpikeRate(0.5, 0.1, moving_window=4),
    "likelihood": loss.SpikeMax(),
    "softmax": loss.SpikeMax(mode="softmax"),
    "moving likelihood": loss.SpikeMax(moving_window=4),
    "binary": loss.SpikeMoid(alpha=0.5),
    "moving binary": loss.SpikeMoid(moving_window=4),
}
"""Losses that take class numbers; shares of every class too but for the likelihoods."""
CASES = [
    pytest.param(name, given, id=f"{name}, {kind}")
    for name in CLASSES
    for kind, given in (LABELS if "binary" not in name else LABELS | MULTI).items()
] + [pytest.param("rate", given, id=f"rate, {kind}") for kind, given in MULTI.items()]


def test_every_loss_on_labels_is_in_the_table():
    labelled = {"SpikeRate", "SpikeMax", "SpikeMoid"}
    assert {type(criterion).__name__ for criterion in CLASSES.values()} == labelled
    others = {"SpikeTime", "SparsityEnforcer"}  # they take trains and activities, not labels
    public = {name for name in vars(loss) if name[0].isupper()}
    assert public == labelled | others


@functools.cache
def compiled(name):
    return jax.jit(jax.value_and_grad(CLASSES[name]))


@pytest.mark.parametrize(("name", "label"), CASES)
def test_a_label_out_of_range_is_refused_or_no_number(name, label):
    with pytest.raises(ValueError, match=r"`label` is .*expected numbers in \[0, [12]\]; "):
        CLASSES[name](X, label)
    with pytest.raises(ValueError, match="`label` is"):
        jax.jit(lambda x: CLASSES[name](x, label))(X)
    value, gradient = compiled(name)(X, label)
    assert np.isnan(value)
    assert np.isnan(gradient).any()
    value, gradient = compiled(name)(X, np.zeros_like(label))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_a_desired_train_that_is_no_number_is_no_loss():
    assert np.isnan(jax.jit(loss.SpikeTime())(X, X.at[0, 0, 0].set(jnp.nan)))


NEURON = {"threshold": 1.0, "current_decay": 0.5, "voltage_decay": 0.25}
NETWORK = Sequential([cuba.Dense(NEURON, 3, 3, weight_scale=4)])
GOOD = np.array([2, 0])
STEPS = {
    "train": lambda error: train_step(error),
    "parts": lambda error: train_step(error, accumulate=2, reduction="sum"),
    "evaluate": lambda error: eval_step(error),
}


@pytest.fixture(autouse=True)
def standard_promotion():
    with jax.numpy_dtype_promotion("standard"):  # optax
        yield


@pytest.mark.parametrize("kind", STEPS)
def test_every_jitted_step_refuses_them_at_its_first_call_and_later(kind):
    calls = []

    def error(y, label):  # a loss around one of ours
        calls.append(label)
        return 2 * loss.SpikeRate(0.5, 0.1)(y, label)

    step = STEPS[kind](error)
    state = create_state(NETWORK, X, optax.sgd(0.1))
    refused = pytest.raises(ValueError, match=r"`label` is .*the network has 3 outputs, so count")
    for wrong in LABELS.values():
        with refused:
            step(state, X, wrong)
        with refused:
            step(state, X, jnp.asarray(wrong))
    found, _ = step(state, X, GOOD)
    state, traced = found if kind != "evaluate" else state, len(calls)
    with refused:
        step(state, X, LABELS["too low"])
    found, _ = step(state, X, GOOD)
    state = found if kind != "evaluate" else state
    assert len(calls) == traced
    # inside of a function of the user's nobody sees them
    inside = jax.jit(lambda label: step(state, X, label)[1]["loss"])
    assert np.isnan(inside(LABELS["too low"]))
    assert np.isfinite(inside(GOOD))


def test_the_assistant_and_the_diagnosis_refuse_them():
    error = loss.SpikeMax()
    helper = Assistant(NETWORK, error, optax.sgd(0.1), sample=X, classifier=classifier.Rate.predict)
    for call in (helper.train, helper.valid, helper.test):
        with pytest.raises(ValueError, match="`label` is"):
            call(X, LABELS["too high"])
    assert helper.train(X, GOOD)["not_finite"] == 0
    variables = helper.state.variables
    with pytest.raises(ValueError, match="`label` is"):
        diagnose(NETWORK, variables, X, error, LABELS["too high"])


def test_a_step_has_what_a_jitted_function_has():
    step = train_step(loss.SpikeRate(0.5, 0.1))
    state = create_state(NETWORK, X, optax.sgd(0.1))
    assert step.lower(state, X, GOOD).compile().cost_analysis()
