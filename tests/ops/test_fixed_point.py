"""Fixed-point arithmetic against Python's integers, which have no end."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from jslayer.ops import fixed_point

LOW, HIGH = -(2**31), 2**31 - 1
EDGES = [LOW, LOW + 1, -(2**24) - 1, -4097, -4096, -4095, -1, 0, 1, 4095, 4096, 2**24 + 1, HIGH]
int32 = st.integers(LOW, HIGH) | st.sampled_from(EDGES)
factors = st.integers(-4096, 4096)
multiply = jax.jit(fixed_point.multiply)


def cut(value, factor):
    """``value * factor / 4096`` in exact integers, cut toward zero."""
    product = value * factor
    return abs(product) // 4096 * (1 if product >= 0 else -1)


@given(st.lists(st.tuples(int32, factors), min_size=64, max_size=64))
def test_a_product_is_that_of_exact_integers_cut_toward_zero(pairs):
    expected = [cut(*pair) for pair in pairs]
    assume(all(LOW <= number <= HIGH for number in expected))  # only -2^31 times -1 leaves int32
    value, factor = np.array(pairs, np.int32).T
    np.testing.assert_array_equal(multiply(value, factor), expected)


def test_every_factor_is_exact_at_the_edges_of_the_range():
    value, factor = np.meshgrid(
        np.array(EDGES, np.int32), np.arange(-4096, 4097, dtype=np.int32), indexing="ij"
    )
    exact = value.astype(object) * factor.astype(object)
    expected = np.vectorize(lambda p: abs(p) // 4096 * (1 if p >= 0 else -1))(exact)
    inside = (expected >= LOW) & (expected <= HIGH)
    assert np.count_nonzero(~inside) == 1
    np.testing.assert_array_equal(np.asarray(multiply(value, factor))[inside], expected[inside])


@given(int32)
def test_a_factor_of_one_keeps_and_of_zero_clears(value):
    value = np.full(1, value, np.int32)
    assert multiply(value, np.full(1, 4096, np.int32))[0] == value[0]
    assert multiply(value, np.full(1, 0, np.int32))[0] == 0


@given(st.floats(width=32, allow_nan=False), st.sampled_from([1, 4096, 2**20]))
@example(2.0**31, 1)
@example(-(2.0**31), 1)
def test_a_float_becomes_an_integer_toward_zero_and_saturates(x, scale):
    with np.errstate(over="ignore"):
        product = np.float32(x) * np.float32(scale)
    exact = int(product) if np.isfinite(product) else (LOW if product < 0 else HIGH)
    expected = min(max(exact, LOW), HIGH)
    assert int(fixed_point.to_fixed(jnp.float32(x), scale)) == expected


@given(st.integers(-(2**24), 2**24), st.sampled_from([1, 64, 4096]))
def test_integers_below_24_bits_survive_the_way_to_float_and_back(value, scale):
    there = fixed_point.to_float(jnp.int32(value), scale)
    assert int(fixed_point.to_fixed(there, scale)) == value


@given(st.floats(0, 1, width=32))
def test_a_decay_is_rounded_to_twelve_bits_half_to_even(decay):
    expected = round(Fraction(decay) * 4096)  # Python rounds fractions half to even, exactly
    quantized = fixed_point.quantize_decay(jnp.float32(decay))
    assert Fraction(float(quantized)) == Fraction(expected, 4096)
    assert int(fixed_point.fraction(quantized)) == expected


@pytest.mark.parametrize("value", [-1.0, 0.0, 0.3, 1.0, 2.0])
def test_rounding_clamping_and_cutting_let_the_gradient_through(value):
    for function in (
        fixed_point.quantize_decay,
        lambda v: fixed_point.clamp(v, 0.0, 1.0),
        lambda v: fixed_point.truncate(v, 1 / 64),
    ):
        assert jax.grad(function)(jnp.float32(value)) == 1


def test_the_clamp_and_the_cut_give_the_nearest_and_the_lower_value():
    x = jnp.array([-0.5, 0.25, 1.5])
    np.testing.assert_array_equal(fixed_point.clamp(x, 0.0, 1.0), [0, 0.25, 1])
    np.testing.assert_array_equal(
        fixed_point.truncate(jnp.array([-0.99, 0.99]), 1 / 64), [-63 / 64, 63 / 64]
    )
