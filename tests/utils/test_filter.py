"""Filters and event rates, judged by NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.utils import FIR, FIRBank, diagonal_mask, event_rate
from jslayer.utils.filter import bank, conv, corr

RANDOM = np.random.default_rng(0)


def causal(x, response):
    rows = x.reshape(-1, x.shape[-1])
    return np.stack([np.convolve(row, response)[: row.size] for row in rows]).reshape(x.shape)


@pytest.mark.parametrize("shape", [(2, 3, 12), (1, 5), (2, 2, 2, 1)])
def test_the_default_filter_is_an_exponential_of_its_past(shape):
    x = RANDOM.standard_normal(shape).astype(np.float32)
    response = np.exp(-np.arange(20) / 3.0)
    np.testing.assert_allclose(FIR(time_constant=3)(x), causal(x, response), rtol=1e-4, atol=1e-5)


def test_time_constant_length_and_sampling_time_have_one_unit():
    fir = FIR(time_constant=4, length=6, sampling_time=2)
    np.testing.assert_allclose(fir.response, np.exp(-np.array([0, 2, 4]) / 4), rtol=1e-6)
    x = RANDOM.standard_normal((1, 9)).astype(np.float32)
    wanted = 2 * causal(x, np.exp(-np.array([0, 2, 4]) / 4))
    np.testing.assert_allclose(fir(x), wanted, rtol=1e-5, atol=1e-6)


def test_a_given_response_replaces_the_exponential():
    fir = FIR(fir_response=jnp.array([1, 2, 3]), time_constant=7)
    assert fir.response.dtype == jnp.float32
    np.testing.assert_array_equal(fir(jnp.array([[0.0, 1, 0, 0, 0]])), [[0, 1, 2, 3, 0]])


def test_the_two_filters_are_adjoint():
    x, y = RANDOM.standard_normal((2, 1, 15)).astype(np.float32)
    response = jnp.asarray(RANDOM.standard_normal(4), jnp.float32)
    left, right = np.vdot(conv(x, response), y), np.vdot(x, corr(y, response))
    np.testing.assert_allclose(left, right, rtol=1e-4)
    gradient = jax.grad(lambda x: jnp.vdot(conv(x, response), y))(x)
    np.testing.assert_allclose(gradient, corr(y, response), rtol=1e-5, atol=1e-6)


def test_the_rate_counts_entries_that_are_not_zero_after_the_first_step():
    assert float(event_rate(jnp.array([[1.0, 0, -2, 0, 0.5]]))) == 0.5
    assert float(event_rate(jnp.ones((2, 3, 1)))) == 1
    assert float(event_rate(jnp.zeros((2, 3, 4)))) == 0


def test_a_rate_needs_a_time_step():
    with pytest.raises(ValueError, match="`x`"):
        event_rate(jnp.zeros((2, 0)))


@pytest.mark.parametrize("shape", [(2, 3, 12), (1, 2, 2, 2, 5)])
def test_a_bank_applies_every_filter_to_every_channel(shape):
    x = RANDOM.standard_normal(shape).astype(np.float32)
    responses = RANDOM.standard_normal((4, 3)).astype(np.float32)
    y = jax.jit(bank)(x, responses)
    assert y.shape == (shape[0], 4 * shape[1], *shape[2:])
    for f, c in np.ndindex(4, shape[1]):
        wanted = causal(x[:, c], responses[f])
        np.testing.assert_allclose(y[:, f * shape[1] + c], wanted, rtol=1e-4, atol=1e-5)


def test_the_filters_of_a_bank_learn():
    x = jnp.asarray(RANDOM.standard_normal((2, 3, 12)), jnp.float32)
    filters = FIRBank(num_filter=2, filter_length=6, sampling_time=2, scale=3)
    variables = filters.init(jax.random.key(0), x)
    weight = variables["params"]["weight"]
    assert weight.shape == (2, 3)
    assert abs(weight).max() <= 3 / np.sqrt(3)
    y = filters.apply(variables, x)
    np.testing.assert_allclose(y, bank(x, weight[:, ::-1], 2.0), rtol=1e-6)
    gradient = jax.grad(lambda v: jnp.sum(filters.apply(v, x) ** 2))(variables)
    assert np.all(gradient["params"]["weight"] != 0)


def test_a_bank_refuses_what_does_not_fit():
    x = jnp.ones((2, 3, 12))
    with pytest.raises(ValueError, match="`num_filter` is 0, expected a whole number"):
        FIRBank(0, 5).init(jax.random.key(0), x)
    with pytest.raises(ValueError, match="`filter_length / sampling_time` is 0, expected"):
        FIRBank(1, 0.5).init(jax.random.key(0), x)
    with pytest.raises(ValueError, match=r"`responses` has shape \(3,\)"):
        bank(x, jnp.ones(3))
    with pytest.raises(ValueError, match=r"`x` has shape \(12,\)"):
        bank(x[0, 0], jnp.ones((1, 3)))


@pytest.mark.parametrize(("number", "reach"), [(1, 0), (2, 1), (3, 1), (5, 2), (99, 4)])
def test_a_diagonal_mask_has_ones_near_the_diagonal(number, reach):
    wanted = sum(np.eye(5, k=k) for k in range(-reach, reach + 1))
    np.testing.assert_array_equal(diagonal_mask(5, number), wanted)
    with pytest.raises(ValueError, match="`dim` is 0, expected a whole number of at least 1"):
        diagonal_mask(0, number)
