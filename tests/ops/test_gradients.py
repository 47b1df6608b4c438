"""Gradients against central differences of independent float64 models, written in NumPy.

The models do not round. With 2^20 states per threshold unit one cut is off by 2^-20, so a voltage
of this size by less than 1e-4 of itself after all steps; decays lie on the 12-bit grid, where they
are not rounded. The differences themselves are good to 1e-8. Hence a tolerance of 1e-3.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.block import cuba as block
from jslayer.ops import Cuba, LeakyIntegrator, run
from jslayer.ops.surrogate import Exponential

S_SCALE = 2**20
STEPS, NEURONS = 12, (2, 3, 4)
SHAPES = {"shared": (), "per channel": (4,), "per neuron": (3, 4)}
TOLERANCE = {"rtol": 1e-3, "atol": 1e-4}


def differences(function, value, step=1e-5):
    """Central differences of a scalar ``function`` at the array ``value``."""
    value = np.asarray(value, np.float64)
    gradient = np.zeros(value.shape)
    for index in np.ndindex(value.shape):
        moved = [value.copy(), value.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        gradient[index] = (function(moved[0]) - function(moved[1])) / (2 * step)
    return gradient


def leaky(x, decay):
    y, trace = np.zeros(x.shape[1:]), []
    for x_t in x:
        y = (1 - decay) * y + x_t
        trace.append(y)
    return np.stack(trace)


def soft_spike(v, theta, surrogate):
    """The smooth function whose derivative the exponential surrogate is."""
    z = (v - theta) / surrogate.tau
    tail = 0.5 * np.exp(-np.abs(z))
    return surrogate.scale * np.where(z < 0, tail, 1 - tail)


def grid(rng, low, high, shape):
    return rng.integers(int(low * 4096), int(high * 4096), shape) / 4096


def agree(loss, model, arguments):
    """Compares the gradient of each of the named ``arguments``."""
    single = {name: jnp.asarray(value, jnp.float32) for name, value in arguments.items()}
    value, found = jax.jit(jax.value_and_grad(loss))(single)
    exact = {name: np.asarray(value, np.float64) for name, value in single.items()}
    np.testing.assert_allclose(value, model(exact), **TOLERANCE)
    for name in arguments:
        expected = differences(lambda v, name=name: model({**exact, name: v}), exact[name])
        assert np.abs(expected).max() > 1e-2  # a comparison of zeros would say nothing
        np.testing.assert_allclose(found[name], expected, **TOLERANCE, err_msg=name)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("granularity", SHAPES)
def test_a_leaky_integrator_agrees_with_differences(rng, granularity):
    cotangent = rng.normal(size=(STEPS, *NEURONS))
    weight = jnp.asarray(cotangent, jnp.float32)

    def loss(a):
        y = run(LeakyIntegrator(S_SCALE), {"decay": a["decay"]}, None, a["x"])[0]["y"]
        return jnp.sum(weight * y)

    agree(
        loss,
        lambda a: np.sum(cotangent * leaky(a["x"], a["decay"])),
        {
            "x": rng.normal(size=(STEPS, *NEURONS)),
            "decay": grid(rng, 0.1, 0.6, SHAPES[granularity]),
        },
    )


@pytest.mark.parametrize("granularity", SHAPES)
def test_a_cuba_read_out_agrees_with_differences(rng, granularity):
    cotangent = rng.normal(size=(STEPS, *NEURONS))
    weight = jnp.asarray(cotangent, jnp.float32)

    def loss(a):
        params = {name: value for name, value in a.items() if name != "x"}
        outputs, _ = run(Cuba(S_SCALE, readout=True), params, None, a["x"])
        return jnp.sum(weight * outputs["voltage"])

    def model(a):
        return np.sum(
            cotangent * leaky(leaky(a["x"], a["current_decay"]), a["voltage_decay"]),
        )

    shape = SHAPES[granularity]
    agree(
        loss,
        model,
        {
            "x": 0.3 * rng.normal(size=(STEPS, *NEURONS)),
            "current_decay": grid(rng, 0.2, 0.7, shape),
            "voltage_decay": grid(rng, 0.1, 0.5, shape),
        },
    )


@pytest.mark.parametrize("granularity", SHAPES)
def test_a_silent_neuron_agrees_with_differences_of_the_soft_spike(rng, granularity):
    # no spike, so no reset: what remains of the neuron is smooth but for the step itself
    surrogate = Exponential(tau=0.8, scale=1.5)
    cotangent = rng.normal(size=(STEPS, *NEURONS))
    weight = jnp.asarray(cotangent, jnp.float32)

    def run_it(a):
        params = {name: value for name, value in a.items() if name != "x"}
        return run(Cuba(S_SCALE, surrogate=surrogate), params, None, a["x"])[0]["spike"]

    def model(a):
        v = leaky(leaky(a["x"], a["current_decay"]), a["voltage_decay"])
        assert v.max() < a["threshold"].min()
        return np.sum(cotangent * soft_spike(v, a["threshold"], surrogate))

    shape = SHAPES[granularity]
    arguments = {
        "x": 0.03 * rng.normal(size=(STEPS, *NEURONS)),
        "current_decay": grid(rng, 0.2, 0.7, shape),
        "voltage_decay": grid(rng, 0.1, 0.5, shape),
        "threshold": rng.uniform(0.9, 1.1, shape),
    }
    exact = {name: np.asarray(value, np.float64) for name, value in arguments.items()}
    single = {name: jnp.asarray(value, jnp.float32) for name, value in arguments.items()}
    assert not run_it(single).any()
    found = jax.jit(jax.grad(lambda a: jnp.sum(weight * run_it(a))))(single)
    for name in arguments:
        expected = differences(lambda v, name=name: model({**exact, name: v}), exact[name])
        assert np.abs(expected).max() > 1e-2
        np.testing.assert_allclose(found[name], expected, **TOLERANCE, err_msg=name)


def test_traces_of_current_and_voltage_carry_gradients_too(rng):
    shape = (STEPS, 5)
    first, second = rng.normal(size=shape), rng.normal(size=shape)
    dynamics = Cuba(S_SCALE, trace=True)

    def ours(a):
        params = {**{k: v for k, v in a.items() if k != "x"}, "threshold": jnp.float32(100)}
        outputs, _ = run(dynamics, params, None, a["x"])
        return jnp.sum(jnp.asarray(first, jnp.float32) * outputs["current"]) + jnp.sum(
            jnp.asarray(second, jnp.float32) * outputs["voltage"]
        )

    def model(a):
        current = leaky(a["x"], a["current_decay"])
        return np.sum(first * current + second * leaky(current, a["voltage_decay"]))

    agree(
        ours,
        model,
        {
            "x": 0.3 * rng.normal(size=shape),
            "current_decay": grid(rng, 0.2, 0.7, ()),
            "voltage_decay": grid(rng, 0.1, 0.5, (5,)),
        },
    )


@pytest.mark.parametrize("shared", [True, False])
def test_weights_and_decays_of_an_affine_block_agree_with_differences(rng, shared):
    neuron = {
        "threshold": 1.0,
        "current_decay": 0.5,
        "voltage_decay": 0.25,
        "scale": S_SCALE // 64,
        "shared_param": shared,
        "requires_grad": True,
    }
    network = block.Affine(neuron, 5, 3, pre_hook_fx=None)
    x = rng.integers(0, 2, (2, 5, STEPS)).astype(np.float64)
    cotangent = rng.normal(size=(2, 3, STEPS))
    inputs, weight = jnp.asarray(x, jnp.float32), jnp.asarray(cotangent, jnp.float32)

    def loss(a):
        params = {"synapse": {"weight": a["weight"]}}
        params["neuron"] = {n: a[n] for n in ("current_decay", "voltage_decay")}
        return jnp.sum(weight * network.apply({"params": params}, inputs))

    def model(a):
        z = np.einsum("oi,nit->tno", a["weight"], x)
        v = leaky(leaky(z, a["current_decay"]), a["voltage_decay"])
        return np.sum(cotangent * np.moveaxis(v, 0, -1))

    shape = () if shared else (3,)
    agree(
        loss,
        model,
        {
            "weight": 0.3 * rng.normal(size=(3, 5)),
            "current_decay": grid(rng, 0.3, 0.7, shape),
            "voltage_decay": grid(rng, 0.2, 0.5, shape),
        },
    )


def test_weights_and_thresholds_of_a_silent_dense_block_agree_with_differences(rng):
    surrogate = Exponential(tau=0.5)
    neuron = {
        "threshold": 1.0,
        "current_decay": 0.5,
        "voltage_decay": 0.25,
        "scale": S_SCALE // 64,
        "shared_param": False,
        "threshold_grad": True,
        "surrogate": surrogate,
    }
    network = block.Dense(neuron, 5, 3, pre_hook_fx=None, delay_shift=True)
    x = rng.integers(0, 2, (2, 5, STEPS)).astype(np.float64)
    cotangent = rng.normal(size=(2, 3, STEPS))
    inputs = jnp.asarray(x, jnp.float32)
    variables = network.init(jax.random.key(0), inputs)
    # 2^-14 is the grid of this threshold, which is cut to it
    threshold = np.array([0.875, 1.0, 1.125])
    weight = 0.02 * rng.normal(size=(3, 5))
    held = {n: np.asarray(v, np.float64) for n, v in variables["constants"]["neuron"].items()}
    held = {n: np.round(v * 4096) / 4096 for n, v in held.items()}

    def spikes(a):
        params = {
            "synapse": {"weight": a["weight"]},
            "neuron": {"threshold": a["threshold"]},
        }
        return network.apply({**variables, "params": params}, inputs)

    def model(a):
        z = np.einsum("oi,nit->tno", a["weight"], x)
        v = leaky(leaky(z, held["current_decay"]), held["voltage_decay"])
        assert v.max() < a["threshold"].min()
        soft = np.moveaxis(soft_spike(v, a["threshold"], surrogate), 0, -1)
        return np.sum(cotangent[..., 1:] * soft[..., :-1])  # one step of delay

    exact = {"weight": weight, "threshold": threshold}
    single = {name: jnp.asarray(value, jnp.float32) for name, value in exact.items()}
    assert not spikes(single).any()
    pairing = jnp.asarray(cotangent, jnp.float32)
    found = jax.jit(jax.grad(lambda a: jnp.sum(pairing * spikes(a))))(single)
    for name in exact:
        expected = differences(lambda v, name=name: model({**exact, name: v}), exact[name])
        assert np.abs(expected).max() > 1e-2
        np.testing.assert_allclose(found[name], expected, **TOLERANCE, err_msg=name)
