"""Losses on spike trains against their formulas, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import loss

RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.random((3, 4, 12)) < 0.4, jnp.float32)
Y = jnp.asarray(RNG.random((3, 4, 12)) < 0.4, jnp.float32)
LABEL = jnp.array([0, 3, 1])
RATE = loss.SpikeRate(true_rate=0.8, false_rate=0.1)


def van_rossum(x, y, tau, length, order):
    base = np.exp(-np.arange(length) / tau)
    response = base
    for _ in range(order - 1):
        response = np.convolve(response, base)[:length]
    rows = np.asarray(x - y, np.float64).reshape(-1, x.shape[-1])
    return sum(np.sum(np.convolve(row, response)[: x.shape[-1]] ** 2) for row in rows)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_distance_of_trains_is_that_of_their_filtered_difference(order):
    distance = loss.SpikeTime(time_constant=3, length=8, filter_order=order)
    expected = van_rossum(X, Y, 3, 8, order)
    np.testing.assert_allclose(distance(X, Y), expected, rtol=1e-5)
    assert distance(X, X) == 0
    np.testing.assert_allclose(distance(Y, X), distance(X, Y), rtol=1e-5)


def test_the_distance_of_trains_is_differentiable_inside_jit():
    distance = loss.SpikeTime(time_constant=3, length=8)
    gradient = jax.jit(jax.grad(distance))(X, Y)
    # quadratic, so one central difference along a direction is exact but for rounding
    way = jnp.asarray(RNG.normal(size=X.shape), jnp.float32)
    slope = (van_rossum(X + way, Y, 3, 8, 1) - van_rossum(X - way, Y, 3, 8, 1)) / 2
    np.testing.assert_allclose(jnp.sum(gradient * way), slope, rtol=1e-4)


def test_rates_are_compared_with_the_rate_of_the_right_class_and_that_of_the_others():
    target = np.full((3, 4), 0.1)
    target[np.arange(3), LABEL] = 0.8
    expected = np.sum((np.asarray(X).mean(-1) - target) ** 2)
    np.testing.assert_allclose(RATE(X, LABEL), expected, rtol=1e-5)
    np.testing.assert_allclose(jax.jit(RATE)(X, LABEL), expected, rtol=1e-5)
    gradient = jax.grad(RATE)(X, LABEL)
    rate = 2 * (np.asarray(X).mean(-1) - target) / 12
    np.testing.assert_allclose(gradient, np.broadcast_to(rate[..., None], X.shape), rtol=1e-4)


@pytest.mark.parametrize("per_step", [False, True])
def test_a_moving_window_compares_the_rate_of_the_last_steps(per_step):
    windowed = loss.SpikeRate(true_rate=0.8, false_rate=0.1, moving_window=5)
    label = RNG.integers(0, 4, (3, 12)) if per_step else np.tile(np.asarray(LABEL)[:, None], 12)
    target = np.where(np.arange(4)[None, :, None] == label[:, None], 0.8, 0.1)
    padded = np.pad(np.asarray(X), ((0, 0), (0, 0), (4, 0)))
    rate = sum(padded[..., k : k + 12] for k in range(5)) / 5
    given = jnp.asarray(label, jnp.int32) if per_step else LABEL
    np.testing.assert_allclose(windowed(X, given), np.sum((rate - target) ** 2), rtol=1e-5)


def test_neurons_of_an_image_are_classes():
    image = X.reshape(3, 1, 2, 2, 12)
    np.testing.assert_allclose(RATE(image, LABEL), RATE(X, LABEL), rtol=1e-6)


@pytest.mark.parametrize(("terms", "window"), [(12, None), (144, 5)])
def test_the_mean_is_the_sum_over_the_number_of_terms(terms, window):
    kinds = [
        loss.SpikeRate(0.8, 0.1, moving_window=window, reduction=reduction)
        for reduction in ("sum", "mean")
    ]
    total, mean = (kind(X, LABEL) for kind in kinds)
    np.testing.assert_allclose(mean * terms, total, rtol=1e-5)


def test_equal_losses_hash_alike():
    assert hash(loss.SpikeTime()) == hash(loss.SpikeTime())
    assert RATE == loss.SpikeRate(0.8, 0.1)


@pytest.mark.parametrize("label", [jnp.array([0, 4, 1]), jnp.array([0, -1, 1])])
def test_a_label_that_is_no_class_is_refused(label):
    with pytest.raises(
        ValueError, match=r"`label` is \[0, -?\d, 1\], expected numbers in \[0, 3\]"
    ):
        RATE(X, label)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bool_])
def test_a_label_that_is_not_an_integer_is_refused(dtype):
    with pytest.raises(TypeError, match=r"`label` has dtype .*, expected integers"):
        RATE(X, LABEL.astype(dtype))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: RATE(X, LABEL[:2]), r"`label` has shape \(2,\), expected \(3,\)"),
        (lambda: RATE(X, jnp.ones((3, 12), int)), r"`label` has shape \(3, 12\), expected \(3,\)"),
        (lambda: RATE(X[0], LABEL), r"`x` has shape \(4, 12\).*expected \[N, C, ..., T\]"),
        (lambda: RATE(X[..., :0], LABEL), r"`x` has shape \(3, 4, 0\) with no time step"),
        (
            lambda: loss.SpikeRate(1.2, 0.1)(X, LABEL),
            r"`true_rate` is 1.2, expected numbers in \[0, 1\]",
        ),
        (
            lambda: loss.SpikeRate(0.2, -0.1)(X, LABEL),
            r"`false_rate` is -0.1, expected numbers in \[0, 1\]",
        ),
        (
            lambda: loss.SpikeRate(0.2, 0.1, moving_window=0)(X, LABEL),
            "`(moving_)?window` is 0, expected a whole number of at least 1",
        ),
        (
            lambda: loss.SpikeRate(0.2, 0.1, reduction="max")(X, LABEL),
            "`reduction` is 'max', expected one of 'sum', 'mean'",
        ),
        (
            lambda: loss.SpikeTime(reduction="max")(X, Y),
            "`reduction` is 'max', expected one of 'sum', 'mean'",
        ),
        (
            lambda: loss.SpikeTime()(X, Y[:, :1]),
            r"`desired` has shape \(3, 1, 12\), expected that of `x` \(3, 4, 12\)",
        ),
        (
            lambda: loss.SpikeTime(time_constant=0)(X, Y),
            "`time_constant` is 0, expected a number above 0",
        ),
        (
            lambda: loss.SpikeTime(length=0)(X, Y),
            "`length` is 0, expected a whole number of at least 1",
        ),
        (
            lambda: loss.SpikeTime(filter_order=0)(X, Y),
            "`filter_order` is 0, expected a whole number of at least 1",
        ),
        (lambda: loss.SpikeTime()(X[..., :0], Y[..., :0]), "`x` has shape .* with no time step"),
    ],
)
def test_bad_arguments_are_refused(function, message):
    with pytest.raises(ValueError, match=message):
        function()


def test_integer_spikes_are_refused():
    whole = X.astype(jnp.int32)
    with pytest.raises(TypeError, match="`x` has dtype int32, expected a floating-point array"):
        loss.SpikeTime()(whole, whole)
    windowed = loss.SpikeRate(true_rate=0.8, false_rate=0.1, moving_window=5)
    with pytest.raises(TypeError, match="`x` has dtype int32, expected a floating-point array"):
        windowed(whole, LABEL)
