"""A recorded decay gradient whose terms cancel to a thousandth: a float64 judge decides.

Its terms are up to 0.7, their sum is 0.0011, so that float32 noise alone is as large as the bound
of the other gradients; the core manifest gives such arrays a tolerance, that of the blocks does
not. The recorded number and ours must both lie within float32 noise of the float64 sum.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.golden import blocks, compare, load

CASE, ARRAY = "alif.Conv.norm_train", "grad/neuron.voltage_decay"


def test_a_cancelling_gradient_is_right_up_to_float32_noise():
    found = [case for case in load.cases("blocks") if case.id == CASE]
    if not found:
        pytest.skip("golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository")
    (case,) = found
    adapter = blocks.BlockCase(case)
    ours = float(adapter.run()["grads"]["neuron.voltage_decay"])
    _, seen = adapter.block.apply(
        {"params": adapter.params, **adapter.held},
        jnp.asarray(case["input"]),
        train=True,
        mutable=["batch_stats", "intermediates"],
    )
    traces = {n: np.asarray(v[0], np.float64) for n, v in seen["intermediates"]["neuron"].items()}
    neuron = adapter.block.new_neuron()
    tau = neuron.tau_rho * neuron.tau_multiplier
    theta = traces["threshold"] + traces["refractory"]
    surrogate = np.exp(-np.abs(traces["voltage"] - theta) / tau) / (2 * tau)
    surrogate *= neuron.scale_rho * neuron.scale_multiplier
    cotangent = np.asarray(case["cotangent"], np.float64)
    spike_bar = np.concatenate([cotangent[..., 1:], 0 * cotangent[..., :1]], axis=-1)  # the shift
    keep = 1 - np.round(4096 * float(adapter.params["neuron"]["voltage_decay"])) / 4096
    bar = np.zeros(cotangent.shape[:-1])
    terms = []
    for t in reversed(range(cotangent.shape[-1])):
        terms.append(bar * traces["voltage"][..., t])  # the recorded sign: that of 1 - decay
        bar = keep * bar + spike_bar[..., t] * surrogate[..., t]
    exact, noise = np.sum(terms), 2.0**-24 * np.abs(terms).sum()
    if abs(exact) >= 1e-3 * np.abs(terms).sum():  # recordings whose terms do not cancel
        compare.gradient(ARRAY, ours, case[ARRAY].reshape(()))
    else:
        assert abs(ours - exact) < noise
        assert abs(float(case[ARRAY].reshape(())) - exact) < noise


def test_the_adapter_s_leaky_rectifier_has_the_reference_s_derivative_at_zero():
    slope = jax.vmap(jax.grad(blocks.leaky_relu))
    np.testing.assert_array_equal(slope(jnp.array([-1.0, 0.0, 1.0])), np.float32([0.01, 0.01, 1]))
    x = jnp.array([-1.5, 0.0, 2.0])
    np.testing.assert_array_equal(blocks.leaky_relu(x), jax.nn.leaky_relu(x))
