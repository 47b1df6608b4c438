"""Delays, shifts and filters against plain NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jslayer.ops import filter
from jslayer.ops.delay import delay
from jslayer.ops.shift import replicate, shift, step_delay

STEPS = 6
X = jnp.asarray(np.random.default_rng(0).normal(size=(STEPS, 2, 3)), jnp.float32)


jitted = jax.jit(delay)


def moved(x, steps):
    """Time-first ``x`` later by ``steps[c]``."""
    y = np.zeros_like(x)
    for channel, k in enumerate(steps):
        for t in range(max(k, 0), x.shape[0]):
            y[t, ..., channel] = x[t - k, ..., channel]
    return y


@given(st.lists(st.floats(0, 12, width=32), min_size=3, max_size=3), st.sampled_from([0.5, 1, 2]))
def test_a_delay_moves_each_channel_by_whole_steps(values, sampling_time):
    y, tail = delay(X, jnp.asarray(values, jnp.float32), sampling_time=sampling_time, shift=1)
    steps = [int(np.float32(v) / np.float32(sampling_time)) + 1 for v in values]
    np.testing.assert_array_equal(y, moved(np.asarray(X), steps))
    assert tail is None


def test_the_gradient_of_a_delay_is_minus_the_slope_and_its_input_moves_back():
    late = jnp.array([0.5, 1.5, 3.5])
    weight = jnp.asarray(np.random.default_rng(1).normal(size=X.shape), jnp.float32)
    loss = lambda x, d: jnp.sum(weight * delay(x, d, grad_scale=2.0)[0])
    x_bar, delay_bar = jax.jit(jax.grad(loss, (0, 1)))(X, late)
    y = moved(np.asarray(X), [0, 1, 3])
    slope = np.diff(y, axis=0, prepend=0)
    np.testing.assert_allclose(
        delay_bar, -2 * np.sum(np.asarray(weight) * slope, (0, 1)), rtol=1e-5
    )
    back = moved(np.asarray(weight)[::-1], [0, 1, 3])[::-1]
    np.testing.assert_array_equal(x_bar, back)


@settings(max_examples=20)
@given(cuts=st.sets(st.integers(1, STEPS - 1)), late=st.tuples(*[st.integers(0, 4)] * 3))
def test_a_delay_line_continues_where_it_stopped(cuts, late):
    steps = jnp.asarray(late, jnp.float32)
    tail, parts = jnp.zeros((6, 2, 3)), []
    for piece in np.split(np.asarray(X), sorted(cuts)):
        y, tail = jitted(piece, steps, tail)
        parts.append(y)
    np.testing.assert_array_equal(np.concatenate(parts), moved(np.asarray(X), late))


def test_bad_delays_are_refused():
    with pytest.raises(TypeError, match="`x` has dtype int32, expected a floating-point array"):
        delay(X.astype(jnp.int32), jnp.zeros(3))
    with pytest.raises(ValueError, match=r"`delay` has shape \(2,\), expected.*\(3,\)"):
        delay(X, jnp.zeros(2))
    with pytest.raises(ValueError, match="`sampling_time` is 0, expected a number above 0"):
        delay(X, jnp.zeros(3), sampling_time=0)
    with pytest.raises(ValueError, match=r"`tail` has shape \(6, 5, 3\), expected .*\(2, 3\)"):
        delay(X, jnp.zeros(3), jnp.zeros((6, 5, 3)))


@pytest.mark.parametrize("value", [-1.0, float("nan")])
def test_a_delay_into_the_past_or_of_no_number_is_refused(value):
    with pytest.raises(ValueError, match=r"`delay` .*expected numbers"):
        delay(X, jnp.array([0.0, 1.0, value]))


@pytest.mark.parametrize("steps", [-9, -2, 0, 3, 9])
def test_a_shift_moves_both_ways_and_its_gradient_moves_back(steps):
    x = jnp.arange(1.0, 6.0)[None]
    weight = jnp.arange(2.0, 7.0)[None]
    time = np.arange(5) - steps
    inside = (time >= 0) & (time < 5)
    expected = np.where(inside, np.asarray(x)[0][np.clip(time, 0, 4)], 0)
    np.testing.assert_array_equal(shift(x, steps)[0], expected)
    back = jax.grad(lambda x: jnp.sum(weight * shift(x, steps)))(x)
    np.testing.assert_array_equal(back, shift(weight, -steps))


def test_a_shift_per_neuron_must_fit():
    np.testing.assert_array_equal(
        shift(jnp.eye(2)[None], jnp.array([1.0, 0.0]))[0], [[0, 1], [0, 1]]
    )
    with pytest.raises(ValueError, match=r"`shift_val` has shape \(3,\), expected.*\(2,\)"):
        shift(jnp.zeros((1, 2, 4)), jnp.zeros(3))


def test_a_step_of_delay_takes_in_what_was_held_back():
    y, held = step_delay(jnp.array([1.0, 2.0, 3.0]), jnp.float32(9))
    np.testing.assert_array_equal(y, [9, 1, 2])
    assert held == 3
    with pytest.raises(ValueError, match=r"`before` has shape \(2,\), expected .*\(3,\)"):
        step_delay(jnp.zeros((4, 3)), jnp.zeros(2))


def test_a_still_input_is_repeated():
    assert replicate(jnp.ones((2, 3)), 4).shape == (2, 3, 4)
    for bad in (0, 1.5):
        with pytest.raises(ValueError, match=f"`num_steps` is {bad}, expected a whole number"):
            replicate(jnp.ones((2, 3)), bad)


def test_filters_equal_the_convolution_and_are_each_others_adjoint():
    rng = np.random.default_rng(2)
    x, weight = (jnp.asarray(rng.normal(size=(2, 3, 10)), jnp.float32) for _ in range(2))
    response = filter.exponential_response(3, 4)
    expected = np.apply_along_axis(lambda row: np.convolve(row, response)[:10], -1, x)
    np.testing.assert_allclose(filter.conv(x, response), expected, rtol=1e-5, atol=1e-6)
    back = jax.grad(lambda x: jnp.sum(weight * filter.conv(x, response)))(x)
    np.testing.assert_allclose(back, filter.corr(weight, response), rtol=1e-5, atol=1e-6)


def test_bad_filters_are_refused():
    x = jnp.zeros((2, 4))
    with pytest.raises(ValueError, match=r"`response` has shape \(2, 2\).*expected \[L\]"):
        filter.conv(x, jnp.ones((2, 2)))
    with pytest.raises(ValueError, match=r"`x` has shape \(2, 0\) with no time step"):
        filter.conv(x[:, :0], jnp.ones(2))
    with pytest.raises(TypeError, match="`x` has dtype int32, expected a floating-point"):
        filter.conv(x.astype(jnp.int32), jnp.ones(2))
    with pytest.raises(ValueError, match="`time_constant` is 0, expected a number above 0"):
        filter.exponential_response(0, 3)
