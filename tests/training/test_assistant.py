"""The assistant: the functional steps with their state and statistics in one place."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer import classifier, loss
from jslayer.block import Sequential, cuba
from jslayer.training import Assistant, create_state, eval_step, train_step

NEURON = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, "requires_grad": True}
LABEL = np.array([0, 1, 0, 1], np.int32)
X = np.zeros((4, 6, 24), np.float32)
X[LABEL == 0, :3, ::2] = 1
X[LABEL == 1, 3:, ::2] = 1
SUM = loss.SpikeRate(true_rate=0.3, false_rate=0.02)
MEAN = loss.SpikeMax(reduction="mean")
NETWORK = Sequential(
    [cuba.Dense(NEURON, 6, 16, weight_scale=2), cuba.Dense(NEURON, 16, 2, weight_scale=2)]
)


@pytest.fixture(autouse=True)
def _standard_promotion():
    # Adam multiplies floats with its step count; draws of this kind compile much sooner.
    with jax.numpy_dtype_promotion("standard"), jax.default_prng_impl("rbg"):
        yield


def assistant(criterion=SUM, optimizer=None, **options):
    given = {"sample": X, "classifier": classifier.Rate.predict, **options}
    return Assistant(NETWORK, criterion, optimizer or optax.adam(3e-3), **given)


def test_it_does_what_the_functional_steps_do():
    count = lambda y, label: jnp.sum(classifier.Rate.predict(y) == label)
    helper, state = assistant(seed=3), create_state(NETWORK, X, optax.adam(3e-3), seed=3)
    step = train_step(SUM, count_correct=count)
    for _ in range(3):
        state, expected = step(state, X, LABEL)
        metrics = helper.train(X, LABEL)
        assert metrics == expected
    jax.tree.map(np.testing.assert_array_equal, helper.state.params, state.params)
    y, metrics = helper.test(X, LABEL)
    wanted, expected = eval_step(SUM, count_correct=count)(state, X, LABEL)
    np.testing.assert_array_equal(y, wanted)
    assert metrics == expected


def test_it_learns_and_logs_its_epochs():
    helper = assistant()
    for _ in range(40):
        helper.train(X, LABEL)
        helper.valid(X, LABEL)
        helper.test(X[:2], LABEL[:2])
        helper.end_epoch()
    stats = helper.stats
    assert stats.epochs == 40
    assert stats.training.loss_log[-1] < 0.6 * stats.training.loss_log[0]
    assert stats.validation.max_accuracy == 1
    assert stats.testing.accuracy_log[-1] == 1
    assert int(helper.state.step) == 40


@pytest.mark.parametrize("criterion", [loss.SpikeMax(), MEAN], ids=["sum", "mean"])
def test_statistics_are_per_sample_whatever_the_reduction(criterion):
    helper = assistant(criterion)
    y, _ = helper.valid(X, LABEL)
    helper.valid(X[:2], LABEL[:2])
    each = [float(loss.SpikeMax()(y[k : k + 1], LABEL[k : k + 1])) for k in (0, 1, 2, 3, 0, 1)]
    np.testing.assert_allclose(helper.stats.validation.loss, np.mean(each), rtol=1e-5)


def test_a_state_is_trained_on():
    state = create_state(NETWORK, X, optax.sgd(0.1))
    helper = Assistant(state, SUM)
    helper.train(X, LABEL)
    assert int(helper.state.step) == 1
    assert helper.stats.training.accuracy is None


def test_gradients_are_clipped():
    helper = assistant(optimizer=optax.sgd(1.0), clip=1e-3)
    before = jax.tree.map(np.array, helper.state.params)
    helper.train(X, LABEL)
    moved = jax.tree.map(lambda a, b: np.sum((a - b) ** 2), helper.state.params, before)
    np.testing.assert_allclose(np.sqrt(sum(jax.tree.leaves(moved))), 1e-3, rtol=1e-2)


def test_a_class_at_every_step_counts_by_its_share_of_the_time():
    window = classifier.MovingWindow(4)
    helper = assistant(classifier=window)
    y, _ = helper.test(X, LABEL)
    expected = np.mean(np.asarray(window(y)) == LABEL[:, None])
    np.testing.assert_allclose(helper.stats.testing.accuracy, expected, rtol=1e-6)


def test_hooks_hear_of_every_step_and_of_the_end_of_an_epoch():
    heard = []
    helper = assistant(hooks=[lambda step, values: heard.append((step, values))], rates=True)
    helper.train(X, LABEL)
    helper.train(X, LABEL)
    helper.test(X, LABEL)
    helper.end_epoch()
    assert [step for step, _ in heard] == [1, 2, 2]
    names = {"train/loss", "train/correct"} | {f"train/event_rates/blocks_{k}" for k in (0, 1)}
    assert set(heard[0][1]) == names
    assert set(heard[2][1]) == {
        f"epoch/{split}/{name}"
        for split in ("training", "testing")
        for name in ("loss", "accuracy")
    }
    assert heard[2][1]["epoch/testing/loss"] == helper.stats.testing.loss_log[0]


def test_options_reach_the_step():
    helper = assistant(sparsity=(0.0, 1.0), accumulate=2, gradient_norms=True, rates=True)
    metrics = helper.train(X, LABEL)
    assert {"sparsity", "gradient_norms", "gradient_norm", "event_rates"} < set(metrics)
    assert "event_rates" in helper.test(X, LABEL)[1]


def test_arguments_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match="`optimizer` is None, expected one with"):
        Assistant(NETWORK, SUM)
    state = create_state(NETWORK, X, optax.sgd(0.1))
    with pytest.raises(ValueError, match="`optimizer, clip` came with a TrainState"):
        Assistant(state, SUM, optax.sgd(0.1), clip=1.0)
    with pytest.raises(ValueError, match="`reduction` is None and the loss has no attribute"):
        Assistant(state, lambda y, label: jnp.sum(y))
