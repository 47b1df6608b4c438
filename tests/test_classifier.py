"""Classifiers on spike trains."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import classifier

X = jnp.asarray(np.random.default_rng(0).random((3, 4, 12)) < 0.4, jnp.float32)


def test_the_class_that_spikes_most_is_predicted():
    x = jnp.zeros((2, 3, 5)).at[0, 2].set(1).at[1, 0, :2].set(1).at[1, 1, 0].set(1)
    predicted = classifier.Rate.predict(x)
    np.testing.assert_array_equal(predicted, [2, 0])
    assert predicted.dtype == jnp.int32
    np.testing.assert_array_equal(classifier.Rate()(x), predicted)
    np.testing.assert_array_equal(jax.jit(classifier.Rate.predict)(x), predicted)


def test_neurons_of_an_image_are_classes():
    image = X.reshape(3, 2, 1, 2, 12)
    np.testing.assert_array_equal(classifier.Rate.predict(image), classifier.Rate.predict(X))
    assert classifier.Rate.rate(image).shape == (3, 2, 1, 2)
    assert classifier.Rate.confidence(image).shape == (3, 4)


def test_confidences_are_normalised_and_ordered_like_the_rates():
    rate = np.asarray(X).mean(-1)
    for mode in ("probability", "softmax", "logsoftmax"):
        found = np.asarray(classifier.Rate.confidence(X, mode))
        np.testing.assert_array_equal(np.argmax(found, 1), np.argmax(rate, 1))
        total = np.sum(np.exp(found) if mode == "logsoftmax" else found, 1)
        np.testing.assert_allclose(total, 1, rtol=1e-5)


def test_a_silent_network_is_sure_of_nothing():
    silent = jnp.zeros((2, 3, 5))
    np.testing.assert_array_equal(classifier.Rate.confidence(silent), jnp.zeros((2, 3)))
    np.testing.assert_array_equal(classifier.Rate.predict(silent), [0, 0])


@pytest.mark.parametrize("function", [classifier.Rate.confidence, classifier.confidence])
def test_an_unknown_mode_is_refused(function):
    with pytest.raises(ValueError, match="`mode` is 'vote', expected one of 'probability'"):
        function(X, "vote")


@pytest.mark.parametrize(
    "function", [classifier.Rate.rate, classifier.Rate.predict, classifier.Rate.confidence]
)
def test_bad_input_is_refused(function):
    with pytest.raises(ValueError, match=r"`x` has shape \(4, 12\).*expected \[N, C, ..., T\]"):
        function(X[0])
    with pytest.raises(ValueError, match=r"`x` has shape \(3, 4, 0\) with no time step"):
        function(X[..., :0])
    with pytest.raises(ValueError, match="`x` holds NaN, expected numbers"):
        function(X.at[0, 0, 0].set(jnp.nan))


WINDOW = classifier.MovingWindow(5)


def moving(x):
    padded = np.pad(np.asarray(x), [(0, 0)] * (x.ndim - 1) + [(4, 0)])
    return sum(padded[..., k : k + x.shape[-1]] for k in range(5)) / 5


def test_a_moving_window_decides_at_every_step_by_the_last_steps():
    rate = moving(X)
    np.testing.assert_allclose(WINDOW.rate(X), rate, atol=1e-6)
    predicted = WINDOW(X)
    assert predicted.shape == (3, 12)
    assert predicted.dtype == jnp.int32
    top = np.take_along_axis(rate, np.asarray(predicted)[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(top, rate.max(1), atol=1e-6)
    np.testing.assert_array_equal(jax.jit(WINDOW.predict)(X), predicted)


@pytest.mark.parametrize("mode", ["probability", "softmax", "logsoftmax"])
def test_a_moving_window_is_as_sure_as_its_mode_says(mode):
    rate = moving(X)
    wanted = {
        "probability": rate / (rate.sum(1, keepdims=True) + 1e-6),
        "softmax": np.exp(rate) / np.exp(rate).sum(1, keepdims=True),
        "logsoftmax": rate - np.log(np.exp(rate).sum(1, keepdims=True)),
    }[mode]
    np.testing.assert_allclose(WINDOW.confidence(X, mode), wanted, rtol=1e-4, atol=1e-6)
    own = classifier.MovingWindow(5, mode)
    np.testing.assert_array_equal(own.confidence(X), WINDOW.confidence(X, mode))


def test_a_moving_window_on_an_image_is_sure_of_all_neurons_and_decides_by_place():
    image = X.reshape(3, 2, 1, 2, 12)
    assert WINDOW.rate(image).shape == image.shape
    assert WINDOW.confidence(image).shape == (3, 4, 12)
    assert WINDOW(image).shape == (3, 1, 2, 12)


def test_a_moving_window_refuses_what_it_cannot_use():
    for function in (WINDOW.rate, WINDOW.predict, WINDOW.confidence):
        with pytest.raises(ValueError, match=r"`x` has shape \(4, 12\).*expected \[N, C, ..., T\]"):
            function(X[0])
        with pytest.raises(ValueError, match="`x` holds NaN, expected numbers"):
            function(X.at[0, 0, 0].set(jnp.nan))
    with pytest.raises(ValueError, match="`time_window` is 0, expected a whole number"):
        classifier.MovingWindow(0)(X)
    with pytest.raises(ValueError, match="`mode` is 'vote', expected one of 'probability'"):
        WINDOW.confidence(X, "vote")
