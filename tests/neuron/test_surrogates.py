"""The surrogate of a neuron's gradient: SLAYER's by default, any other by an argument."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.ops import spike, surrogate
from tests.neuron import cases

KINDS = {
    "exponential": surrogate.Exponential(0.5),
    "fast sigmoid": surrogate.FastSigmoid(),
    "arctan": surrogate.ArcTan(),
    "triangle": surrogate.Triangle(),
    "gaussian": surrogate.Gaussian(),
    "straight through": surrogate.StraightThrough(),
    "my own": lambda v, theta: 1 / (1 + (v - theta) ** 2),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", cases.SPIKING)
def test_any_function_of_voltage_and_threshold_serves(name, kind):
    layer, x = cases.make(name, surrogate=KINDS[kind]), cases.drive(name, (2, 2, 12))
    loss = lambda x: jnp.sum(layer.apply({}, x))
    gradient, spikes = jax.jit(lambda x: (jax.grad(loss)(x), layer.apply({}, x)))(x)
    parts = [np.asarray(part) for part in jax.tree.leaves(gradient)]
    assert all(np.isfinite(part).all() for part in parts)
    assert any(part.any() for part in parts)
    np.testing.assert_array_equal(spikes, cases.apply(cases.make(name), {}, x))


@pytest.mark.parametrize("name", cases.SPIKING)
def test_tau_and_scale_set_the_width_and_the_height(name):
    layer = cases.make(name, tau_grad=0.25, scale_grad=3.0)
    found = layer.spike_surrogate()
    assert found.tau == 0.25 * layer.threshold * layer.tau_multiplier
    assert found.scale == 3.0 * layer.scale_multiplier
    assert isinstance(found, surrogate.PhaseExponential) == (name in ("rf", "adrf"))


def test_the_adaptive_phase_neuron_has_the_constants_of_the_plain_one():
    plain, adaptive = cases.make("rf"), cases.make("adrf")
    assert plain.tau_multiplier == adaptive.tau_multiplier == 0.5
    assert plain.scale_multiplier == adaptive.scale_multiplier == 10.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_phase_spike_s_gradient_is_a_product_of_the_two_parts(kind):
    f = KINDS[kind]
    real, imag = jnp.array([0.4, 1.2, 1.0]), jnp.array([0.3, 0.1, -0.2])
    loss = lambda r, i: jnp.sum(spike.phase_spike(r, i, 0.75, surrogate=f))
    by_real, by_imag = jax.grad(loss, argnums=(0, 1))(real, imag)
    window = f(imag, jnp.zeros(3))
    np.testing.assert_allclose(by_real, f(real, jnp.full(3, 0.75)) * window, rtol=1e-6)
    size = 1e-3
    slope = (f(imag + size, jnp.zeros(3)) - f(imag - size, jnp.zeros(3))) / (2 * size)
    np.testing.assert_allclose(by_imag, jnp.where(real >= 0.75, slope, 0), rtol=2e-2, atol=1e-4)


def test_phase_spikes_are_upward_crossings_above_the_threshold():
    real = jnp.array([1.0, 1.0, 0.4, 1.0, 1.0])
    imag = jnp.array([0.0, -0.1, 0.2, -0.3, 0.0])
    run = lambda **more: spike.phase_spike(real, imag, 0.5, surrogate=KINDS["arctan"], **more)
    np.testing.assert_array_equal(run(), [0, 0, 0, 0, 1])
    np.testing.assert_array_equal(run(imag_last=-1.0), [1, 0, 0, 0, 1])
    np.testing.assert_array_equal(run(graded=True, scale=2.0), [0, 0, 0, 0, 0.5])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"real": jnp.ones(3, jnp.int32)}, TypeError, "`real` has dtype int32, expected"),
        ({"imag": jnp.ones(4)}, ValueError, r"`imag` has shape \(4,\), expected.*\(3,\)"),
        ({"threshold": jnp.ones(2)}, ValueError, r"`threshold` has shape \(2,\), expected"),
        ({"imag_last": jnp.ones(2)}, ValueError, r"`imag_last` has shape \(2,\), expected"),
    ],
)
def test_a_phase_spike_refuses_what_does_not_fit(changes, error, message):
    given = {"real": jnp.ones(3), "imag": jnp.ones(3), "threshold": 1.0, **changes}
    with pytest.raises(error, match=message):
        spike.phase_spike(**given, surrogate=KINDS["arctan"])


def test_a_phase_window_is_the_phase_spike_without_its_slope_along_the_imaginary_part():
    real, imag = jnp.array([-0.5, 0.4, 0.6, 2.0]), jnp.array([0.3, -0.2, 0.0, 1.0])
    whole = surrogate.PhaseExponential(0.5, 2.0).phase(real, imag, jnp.float32(0.5))
    along, none = surrogate.PhaseWindow(0.5, 2.0).phase(real, imag, jnp.float32(0.5))
    np.testing.assert_array_equal(along, whole[0])
    np.testing.assert_array_equal(none, np.zeros(4))
    assert np.any(whole[1])
