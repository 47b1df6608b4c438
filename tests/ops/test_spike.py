"""The step at the threshold, its surrogates, and the quantisers of weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jslayer.ops import surrogate
from jslayer.ops.quantize import quantize, quantize_8bit
from jslayer.ops.spike import spike

KINDS = [
    surrogate.Exponential(tau=0.5),
    surrogate.OneSidedExponential(tau=0.5),
    surrogate.FastSigmoid(),
    surrogate.ArcTan(),
    surrogate.Triangle(),
    surrogate.Gaussian(),
    surrogate.StraightThrough(),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_the_gradient_of_a_spike_is_the_surrogate_and_of_the_threshold_its_negative(kind):
    voltage = jnp.linspace(-1, 3, 9)
    total = lambda v, theta: jnp.sum(spike(v, theta, surrogate=kind))
    v_bar, theta_bar = jax.grad(total, (0, 1))(voltage, jnp.float32(1))
    expected = kind(voltage, jnp.float32(1))
    np.testing.assert_allclose(v_bar, expected, rtol=1e-6)
    np.testing.assert_allclose(theta_bar, -jnp.sum(expected), rtol=1e-6)
    assert (expected >= 0).all()
    assert expected.max() == expected[4]  # at the threshold


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_equal_surrogates_hash_alike(kind):
    assert hash(kind) == hash(type(kind)(**vars(kind)))


def test_a_voltage_at_the_threshold_spikes_and_graded_spikes_carry_it():
    voltage = jnp.array([0.5, 1.0, 3.0])
    kind = KINDS[0]
    np.testing.assert_array_equal(spike(voltage, 1.0, surrogate=kind), [0, 1, 1])
    graded = spike(voltage, 1.0, surrogate=kind, graded=True, scale=2.0)
    np.testing.assert_array_equal(graded, [0, 0.5, 1.5])


def test_an_integer_voltage_is_refused():
    with pytest.raises(TypeError, match="`voltage` has dtype int32, expected a floating-point"):
        spike(jnp.arange(3), 1.0, surrogate=KINDS[0])


def test_a_threshold_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"`threshold` has shape \(2,\), expected.*\(3,\)"):
        spike(jnp.zeros(3), jnp.ones(2), surrogate=KINDS[0])


@given(st.lists(st.floats(-10, 10, width=32), min_size=8, max_size=8))
def test_weights_become_even_integers_within_their_bounds(values):
    weight = jnp.asarray(values, jnp.float32)
    whole = np.asarray(quantize_8bit(weight, 64, descale=True))
    expected = np.clip(np.round(np.asarray(weight, np.float64) * 32) * 2, -256, 254)
    np.testing.assert_array_equal(whole, expected)
    np.testing.assert_array_equal(quantize_8bit(weight, 64) * 64, expected)


def test_a_quantised_weight_has_gradient_one_inside_and_on_the_bounds_and_none_outside():
    weight = jnp.array([-4.1, -4.0, 0.3, 254 / 64, 4.1])
    gradient = jax.grad(lambda w: jnp.sum(quantize_8bit(w)))(weight)
    np.testing.assert_array_equal(gradient, [0, 1, 1, 1, 0])


def test_rounding_modes_differ_and_unknown_ones_are_refused():
    x = jnp.array([-0.3, 0.3])
    np.testing.assert_array_equal(quantize(x, 0.5), [-0.5, 0.5])
    np.testing.assert_array_equal(quantize(x, 0.5, "FLOOR"), [-0.5, 0])
    with pytest.raises(ValueError, match="`mode` is 'CEIL', expected one of 'ROUND', 'FLOOR'"):
        quantize(x, 0.5, "CEIL")
    with pytest.raises(ValueError, match="`step` is 0, expected a number above 0"):
        quantize(x, 0)
