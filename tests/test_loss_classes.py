"""Losses on classes: likelihoods and cross entropies of rates, silence, multi-hot labels."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import loss

RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.random((3, 4, 12)) < 0.5, jnp.float32).at[..., 0].set(1)
LABEL = jnp.array([0, 3, 1])
MULTI = jnp.array([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])


@functools.cache
def compiled(criterion):
    """A loss as one program, compiled once for all tests."""
    return jax.jit(criterion)


@functools.cache
def slope(criterion):
    """Value and gradient of a loss as one program."""
    return jax.jit(jax.value_and_grad(criterion))


def rates(x, window):
    x = np.asarray(x, np.float64)
    if window is None:
        return x.mean(-1)
    padded = np.pad(x, ((0, 0), (0, 0), (window - 1, 0)))
    return sum(padded[..., k : k + x.shape[-1]] for k in range(window)) / window


def chosen(p, label, window):
    label = np.asarray(label)[:, None] if window is None else np.asarray(label)[:, None, None]
    return np.take_along_axis(p, np.broadcast_to(label, (3, 1, *p.shape[2:])), axis=1)[:, 0]


@pytest.mark.parametrize("window", [None, 5])
@pytest.mark.parametrize("mode", ["probability", "softmax"])
def test_the_likelihood_is_that_of_the_labelled_class(mode, window):
    x = jnp.asarray(RNG.uniform(0.1, 1, X.shape), jnp.float32)  # no class is silent
    r = rates(x, window)
    p = r / (r.sum(1, keepdims=True) + 1e-6)
    if mode == "softmax":
        p = np.exp(r) / np.exp(r).sum(1, keepdims=True)
    terms = -np.log(chosen(p, LABEL, window))
    total = loss.SpikeMax(window, mode)
    np.testing.assert_allclose(total(x, LABEL), terms.sum(), rtol=1e-4)
    np.testing.assert_allclose(compiled(total)(x, LABEL), terms.sum(), rtol=1e-4)
    mean = loss.SpikeMax(window, mode, "mean")
    np.testing.assert_allclose(compiled(mean)(x, LABEL), terms.mean(), rtol=1e-4)


def test_a_label_for_every_step_is_taken_step_by_step():
    windowed = compiled(loss.SpikeMax(moving_window=5))
    repeated = jnp.broadcast_to(LABEL[:, None], (3, 12))
    np.testing.assert_allclose(windowed(X, repeated), windowed(X, LABEL), rtol=1e-6)
    assert windowed(X, repeated.at[0, -1].set(2)) != windowed(X, LABEL)


@pytest.mark.parametrize("window", [None, 5])
def test_a_silent_label_costs_a_finite_loss_and_learns_to_spike(window):
    silent = X.at[0, 0].set(0)
    criterion = loss.SpikeMax(moving_window=window)
    value, gradient = jax.device_get(slope(criterion)(silent, LABEL))
    assert np.isfinite(value)
    assert value > compiled(criterion)(X, LABEL)
    assert np.isfinite(gradient).all()
    assert (gradient[0, 0] < 0).all()


def test_a_silent_class_counts_as_half_a_spike():
    x = jnp.zeros((1, 3, 10)).at[0, 1, :4].set(1)
    expected = -np.log(0.05 / (0.4 + 0.05 + 0.05))
    np.testing.assert_allclose(loss.SpikeMax()(x, jnp.array([0])), expected, rtol=1e-5)
    fuller = loss.SpikeMax(silent_spikes=1)(x, jnp.array([0]))
    np.testing.assert_allclose(fuller, -np.log(0.1 / 0.6), rtol=1e-5)


@pytest.mark.parametrize("window", [None, 4])
def test_a_silent_network_is_as_good_as_chance_and_only_the_label_is_pushed_up(window):
    silent, label = jnp.zeros((1, 3, 10)), jnp.array([2])
    criterion = loss.SpikeMax(moving_window=window, reduction="mean")
    value, gradient = jax.device_get(slope(criterion)(silent, label))
    np.testing.assert_allclose(value, np.log(3), rtol=1e-5)
    assert (gradient[0, 2] < 0).all()
    assert abs(gradient).max() <= 2  # of the order of one over the least rate, per step
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("window", [None, 5])
def test_the_cross_entropy_is_that_of_every_class_alone(window):
    criterion = loss.SpikeMoid(window, alpha=0.3, theta=0.4)
    p = 1 / (1 + np.exp(-(rates(X, window) - 0.4) / 0.3))
    y = np.asarray(MULTI) if window is None else np.asarray(MULTI)[..., None]
    terms = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    np.testing.assert_allclose(criterion(X, MULTI), terms.sum(), rtol=1e-4)
    np.testing.assert_allclose(compiled(criterion)(X, MULTI), terms.sum(), rtol=1e-4)
    mean = loss.SpikeMoid(window, "mean", 0.3, 0.4)
    np.testing.assert_allclose(compiled(mean)(X, MULTI), terms.mean(), rtol=1e-4)


def test_integers_booleans_and_floats_are_one_multi_hot_label():
    for criterion in (loss.SpikeMoid(), loss.SpikeMoid(5), loss.SpikeRate(0.8, 0.1)):
        float_label, bool_label = MULTI.astype(jnp.float32), MULTI.astype(bool)
        assert compiled(criterion)(X, float_label) == compiled(criterion)(X, bool_label)
    moid = compiled(loss.SpikeMoid())
    assert moid(X, MULTI) == moid(X, MULTI.astype(bool))


def test_class_numbers_are_multi_hot_labels_with_one_class_each():
    hot = jnp.eye(4)[LABEL]
    for window in (None, 5):
        for kind in map(compiled, (loss.SpikeMoid(window), loss.SpikeRate(0.8, 0.1, window))):
            np.testing.assert_allclose(kind(X, LABEL), kind(X, hot), rtol=1e-6)
            if window:
                each = jnp.broadcast_to(hot[..., None], X.shape)
                np.testing.assert_allclose(kind(X, LABEL), kind(X, each), rtol=1e-6)


def test_a_sure_mistake_costs_at_most_a_hundred():
    sure = loss.SpikeMoid(alpha=1e-3)
    assert sure(jnp.ones((1, 1, 4)), jnp.array([[0]])) == 100


def test_neurons_of_an_image_are_classes():
    image = X.reshape(3, 1, 2, 2, 12)
    for kind, label in ((loss.SpikeMax(), LABEL), (loss.SpikeMoid(), MULTI)):
        run = compiled(kind)
        np.testing.assert_allclose(run(image, label), run(X, label), rtol=1e-6)


def test_the_gradient_is_that_of_finite_differences():
    x = jnp.asarray(RNG.uniform(0.2, 1, (2, 3, 8)), jnp.float32)
    way = RNG.normal(size=x.shape).astype(np.float32)
    for kind in (
        loss.SpikeMax(),
        loss.SpikeMax(3, "softmax"),
        loss.SpikeMoid(3, alpha=0.3, theta=0.5),
    ):
        label = jnp.array([2, 0])
        step, run = np.float32(1e-2) * way, compiled(kind)
        difference = (run(x + step, label) - run(x - step, label)) / 2e-2
        _, gradient = jax.device_get(slope(kind)(x, label))
        np.testing.assert_allclose(np.vdot(gradient, way), difference, rtol=2e-2)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: loss.SpikeMax(mode="vote")(X, LABEL), "`mode` is 'vote', expected one of 'probab"),
        (lambda: loss.SpikeMax()(X, LABEL[:2]), r"`label` has shape \(2,\), expected \(3,\)"),
        (lambda: loss.SpikeMax()(X, jnp.array([0, 4, 1])), r"expected numbers in \[0, 3\]"),
        (lambda: loss.SpikeMax(silent_spikes=0)(X, LABEL), "`silent_spikes` is 0, expected"),
        (lambda: loss.SpikeMax(moving_window=0)(X, LABEL), "`window` is 0, expected a whole"),
        (lambda: loss.SpikeMax(reduction="max")(X, LABEL), "`reduction` is 'max', expected"),
        (lambda: loss.SpikeMoid()(X, 2 * MULTI), r"`label` .*expected numbers in \[0, 1\]"),
        (lambda: loss.SpikeMoid()(X, MULTI[:, :2]), r"`label` has shape \(3, 2\), expected \(3,\)"),
        (lambda: loss.SpikeMoid(alpha=0)(X, MULTI), "`alpha` is 0, expected a number above 0"),
        (lambda: loss.SpikeMoid(theta=jnp.nan)(X, MULTI), "`theta` holds NaN"),
        (lambda: loss.SpikeMoid()(X[0], MULTI), r"`x` has shape \(4, 12\)"),
    ],
)
def test_bad_arguments_are_refused(function, message):
    with pytest.raises(ValueError, match=message):
        function()


def test_class_numbers_must_be_integers():
    for kind in (loss.SpikeMax(), loss.SpikeMoid()):
        with pytest.raises(TypeError, match="`label` has dtype float32, expected integers"):
            kind(X, LABEL.astype(jnp.float32))
