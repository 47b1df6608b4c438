"""Parameters learn: true gradients, and hidden values found from a teacher's output."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer.block import Sequential
from jslayer.block import cuba as block
from tests.neuron import cases, models

GRANULARITY = pytest.mark.parametrize("shared", [True, False, "neuron"])
MEMBRANE = [(name, param) for name, params in cases.LEARNED.items() for param in params]
ADAPTING = [(name, param) for name in cases.ADAPTING for param in cases.OF_THRESHOLD]
SHAPE = (2, 2, 2, 1, 25)


@functools.cache
def spread(name, shared, **changes):
    """A neuron, a drive and parameters that differ from channel to channel."""
    layer = cases.make(name, shared_param=shared, requires_grad=True, **changes)
    x = cases.drive(name, SHAPE)
    params = layer.init(jax.random.key(3), x)["params"]
    return layer, x, params


def on_grid(params):
    """The values in use: decays on their 12-bit grid."""
    exact = ("threshold", "threshold_step")
    return {
        n: np.asarray(v, np.float64) if n in exact else np.round(np.asarray(v) * 4096.0) / 4096
        for n, v in params.items()
    }


@GRANULARITY
@pytest.mark.parametrize(("name", "param"), MEMBRANE)
def test_a_decay_s_gradient_is_that_of_the_model_without_rounding(name, param, shared):
    layer, x, params = spread(name, shared, readout=True)
    weight = np.random.default_rng(5).normal(size=SHAPE)
    model = models.rotation if layer.complex_input else models.leaks
    expected = models.difference(lambda p: np.sum(weight * model(p, x)), on_grid(params), param)
    loss = lambda p: jnp.sum(jnp.asarray(weight, jnp.float32) * layer.apply({"params": p}, x))
    found = jax.jit(jax.grad(loss))(params)[param]
    assert found.shape == np.shape(params[param])
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.005 * np.abs(expected).max())


@GRANULARITY
@pytest.mark.parametrize(("name", "param"), ADAPTING)
def test_the_gradient_of_an_adaptive_threshold_is_that_of_the_model(name, param, shared):
    layer, x, params = spread(name, shared, threshold_grad=True)

    def traces(p):
        spikes, seen = layer.apply({"params": p}, x, mutable=["intermediates"])
        seen = seen["intermediates"]
        return jnp.stack([seen["threshold"][0], seen["refractory"][0]]), spikes

    weight = np.random.default_rng(6).normal(size=(2, *SHAPE))
    loss = lambda p: jnp.sum(jnp.asarray(weight, jnp.float32) * traces(p)[0])
    found = jax.jit(jax.grad(loss))(params)[param]
    spikes = traces(params)[1]
    assert spikes.any()
    expected = models.difference(
        lambda p: np.sum(weight * models.adaptation(p, spikes)), on_grid(params), param
    )
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.005 * np.abs(expected).max())


@pytest.mark.parametrize("name", cases.ADAPTING)
def test_an_adaptive_threshold_gets_no_gradient_unless_asked(name):
    layer, x, params = spread(name, True)
    gradient = jax.grad(lambda p: jnp.sum(layer.apply({"params": p}, x)))(params)
    assert gradient["threshold_decay"] == gradient["refractory_decay"] == 0
    assert "threshold" not in params


def descend(loss, params, steps, rate):
    """Losses of all steps, and the parameters that Adam found."""
    with jax.numpy_dtype_promotion("standard"):  # Adam mixes integers and floats
        optimizer = optax.adam(optax.cosine_decay_schedule(rate, steps))

        def step(carry, _):
            params, state = carry
            value, gradient = jax.value_and_grad(loss)(params)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(params, updates), state), value

        start = (params, optimizer.init(params))
        (params, _), losses = jax.jit(lambda c: jax.lax.scan(step, c, None, length=steps))(start)
    return np.asarray(losses), params


@GRANULARITY
@pytest.mark.parametrize(("name", "param"), MEMBRANE)
def test_a_hidden_decay_is_found_within_two_per_cent(name, param, shared):
    layer, x, hidden = spread(name, shared, readout=True)
    out = lambda value: layer.apply({"params": {**hidden, param: value}}, x)
    target = out(hidden[param])
    first = hidden[param] * (0.7 if param.endswith("e_decay") else 0.9)
    losses, found = descend(lambda v: jnp.mean((out(v) - target) ** 2), first, 300, 0.02)
    assert losses[-1] < 1e-2 * losses[0]
    np.testing.assert_allclose(found, hidden[param], rtol=0.02)


def filtered(spikes, time_constant=5.0, length=20):
    """Spike trains smoothed by an exponential, so that near spikes count as near."""
    response = np.exp(-np.arange(length) / time_constant)
    padded = jnp.pad(spikes, [(0, 0)] * (spikes.ndim - 1) + [(length - 1, 0)])
    steps = spikes.shape[-1]
    return sum(
        float(r) * padded[..., length - 1 - k : length - 1 - k + steps]
        for k, r in enumerate(response)
    )


LEARNED_FROM_SPIKES = [
    *((name, param, True) for name, param in ADAPTING),
    *(("alif", param, False) for param in cases.OF_THRESHOLD),
    *(("adrf_iz", param, "neuron") for param in cases.OF_THRESHOLD),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "param", "shared"), LEARNED_FROM_SPIKES)
def test_a_hidden_threshold_is_found_from_the_spikes_of_a_teacher(name, param, shared):
    sharp = {"tau_grad": 0.5} if name == "adrf" else {"tau_grad": 0.005}
    layer = cases.make(name, threshold_grad=True, shared_param=shared, **sharp)
    x = cases.drive(name, (64, 2, 60), seed=1)
    variables = layer.init(jax.random.key(0), x)
    hidden = variables["params"]

    def out(value):
        return filtered(layer.apply({**variables, "params": {**hidden, param: value}}, x))

    target = out(hidden[param])
    loss = lambda value: jnp.mean((out(value) - target) ** 2)
    losses, found = descend(loss, 0.7 * hidden[param], 250, 0.02)
    assert losses[-1] < 0.02 * losses[0]
    if param in ("threshold", "threshold_step"):  # in use are multiples of 1 / scale
        found = np.floor(np.asarray(found) * layer.scale + 1e-4) / layer.scale
    np.testing.assert_allclose(found, hidden[param], rtol=0.02)


@pytest.mark.parametrize("factor", [0.7, 1.4])
@GRANULARITY
def test_a_hidden_threshold_of_a_sigma_delta_neuron_is_found(shared, factor):
    fields = {"threshold": 0.5, "activation": "identity", "tau_grad": 0.3, "scale_grad": 0.3}
    layer = cases.make("sigma_delta", **fields, requires_grad=True, shared_param=shared)
    x = cases.drive("sigma_delta", (512, 3, 100), mean=0.0, spread=0.2)
    size = lambda y: jax.lax.stop_gradient(jnp.sign(y)) * y  # with gradient 0 where nothing is sent
    # the mean size of what is sent falls with the threshold
    out = lambda params: jnp.mean(size(layer.apply({"params": params}, x)), axis=(0, 2))
    hidden = layer.init(jax.random.key(0), x)["params"]
    target = out(hidden)
    first = {"threshold": factor * hidden["threshold"]}
    losses, found = descend(lambda p: jnp.mean((out(p) - target) ** 2), first, 300, 0.01)
    assert losses[-1] < 0.02 * losses[0]
    np.testing.assert_allclose(found["threshold"], hidden["threshold"], rtol=0.02)


@pytest.mark.parametrize("name", ["cuba", "rf_iz"])
def test_a_learned_threshold_of_a_plain_neuron_moves_toward_the_teacher_s(name):
    layer = cases.make(name, threshold_grad=True, tau_grad=0.005)
    x = cases.drive(name, (64, 2, 60), seed=1)
    variables = layer.init(jax.random.key(0), x)
    out = lambda value: filtered(layer.apply({"params": {"threshold": value}}, x))
    hidden = variables["params"]["threshold"]
    target = out(hidden)
    loss = lambda value: jnp.mean((out(value) - target) ** 2)
    _, found = descend(loss, 0.7 * hidden, 250, 0.02)
    np.testing.assert_allclose(
        np.floor(found * layer.scale + 1e-4) / layer.scale, hidden, rtol=0.02
    )


@pytest.mark.parametrize("shared", [True, False])
def test_training_the_decays_of_a_fixed_random_network_lowers_the_loss(shared):
    fields = {"threshold": 1.0, "shared_param": shared, "requires_grad": True}

    def network(current, voltage):
        neuron = {**fields, "current_decay": current, "voltage_decay": voltage}
        sharp = {**neuron, "tau_grad": 0.01, "scale_grad": 10}
        return Sequential([block.Dense(sharp, 12, 16, weight_scale=3), block.Affine(neuron, 16, 4)])

    x = jnp.asarray(np.random.default_rng(0).random((3, 12, 25)) < 0.2, jnp.float32)
    teacher = network(0.6, 0.3)
    variables = jax.jit(teacher.init)(jax.random.key(0), x)
    target = teacher.apply(variables, x)
    student = network(0.3, 0.1)
    first = jax.jit(student.init)(jax.random.key(0), x)["params"]
    first = {
        name: {"synapse": variables["params"][name]["synapse"], "neuron": first[name]["neuron"]}
        for name in first
    }
    decays = {name: value["neuron"] for name, value in first.items()}

    def loss(decays):
        params = {name: {**first[name], "neuron": decays[name]} for name in first}
        return jnp.mean((student.apply({"params": params}, x) - target) ** 2)

    losses, found = descend(loss, decays, 60, 0.02)
    assert target.any()
    assert losses[-5:].mean() < 0.3 * losses[0]
    for old, new in zip(jax.tree.leaves(decays), jax.tree.leaves(found), strict=True):
        assert (old != new).all()  # every decay took part
