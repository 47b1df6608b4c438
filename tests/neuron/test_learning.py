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
    return layer, x, cases.init(layer, jax.random.key(3), x)["params"]


def on_grid(params):
    """The values in use: decays on their 12-bit grid."""
    exact = ("threshold", "threshold_step")
    return {
        n: np.asarray(v, np.float64) if n in exact else np.round(np.asarray(v) * 4096.0) / 4096
        for n, v in params.items()
    }


@functools.cache
def read_out(name, shared):
    """Weights of a sum over the read-out, and its gradient to all parameters."""
    layer, x, params = spread(name, shared, readout=True)
    weight = np.random.default_rng(5).normal(size=SHAPE)
    loss = lambda p: jnp.sum(jnp.asarray(weight, jnp.float32) * layer.apply({"params": p}, x))
    return weight, jax.jit(jax.grad(loss))(params)


@GRANULARITY
@pytest.mark.parametrize(("name", "param"), MEMBRANE)
def test_a_decay_s_gradient_is_that_of_the_model_without_rounding(name, param, shared):
    layer, x, params = spread(name, shared, readout=True)
    weight, gradient = read_out(name, shared)
    model = models.rotation if layer.complex_input else models.leaks
    expected = models.difference(lambda p: np.sum(weight * model(p, x)), on_grid(params), param)
    found = gradient[param]
    assert found.shape == np.shape(params[param])
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.005 * np.abs(expected).max())


@functools.cache
def adaptive(name, shared):
    """Weights of a sum over threshold and refraction, its gradient, and the spikes behind it."""
    layer, x, params = spread(name, shared, threshold_grad=True)
    weight = np.random.default_rng(6).normal(size=(2, *SHAPE))

    def loss(p):
        spikes, seen = layer.apply({"params": p}, x, mutable=["intermediates"])
        seen = seen["intermediates"]
        traces = jnp.stack([seen["threshold"][0], seen["refractory"][0]])
        return jnp.sum(jnp.asarray(weight, jnp.float32) * traces), spikes

    return weight, *jax.jit(jax.grad(loss, has_aux=True))(params)


@GRANULARITY
@pytest.mark.parametrize(("name", "param"), ADAPTING)
def test_the_gradient_of_an_adaptive_threshold_is_that_of_the_model(name, param, shared):
    params = spread(name, shared, threshold_grad=True)[2]
    weight, gradient, spikes = adaptive(name, shared)
    assert np.asarray(spikes).any()
    expected = models.difference(
        lambda p: np.sum(weight * models.adaptation(p, spikes)), on_grid(params), param
    )
    atol = 0.005 * np.abs(expected).max()
    np.testing.assert_allclose(gradient[param], expected, rtol=0.02, atol=atol)


@pytest.mark.parametrize("name", cases.ADAPTING)
def test_an_adaptive_threshold_gets_no_gradient_unless_asked(name):
    layer, x, params = spread(name, True)
    gradient = jax.jit(jax.grad(lambda p: jnp.sum(layer.apply({"params": p}, x))))(params)
    assert gradient["threshold_decay"] == gradient["refractory_decay"] == 0
    assert "threshold" not in params


def descent(out, steps, rate):
    """Adam on ``mean((out(params) - target) ** 2)``, compiled: all losses and what it found.

    The compiled function takes the first parameters, the target and ``learned``, which is 0 where
    a parameter stays and else 1, so that one compilation serves the search for each of them.
    """
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, steps))

    def run(params, target, learned):
        def step(carry, _):
            params, state = carry
            loss = lambda params: jnp.mean((out(params) - target) ** 2)
            value, gradient = jax.value_and_grad(loss)(params)
            gradient = jax.tree.map(jnp.multiply, gradient, learned)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(params, updates), state), value

        start = (params, optimizer.init(params))
        (params, _), losses = jax.lax.scan(step, start, None, length=steps)
        return losses, params

    def call(*arguments):
        with jax.numpy_dtype_promotion("standard"):  # Adam mixes integers and floats
            losses, params = jax.tree.map(np.asarray, compiled(*arguments))
        return losses, params

    compiled = jax.jit(run)
    return call


def search(run, hidden, param, factor, target):
    """Losses, and what was found for a hidden parameter from ``factor`` of it."""
    first = {**hidden, param: np.float32(factor) * np.asarray(hidden[param])}
    losses, found = run(first, target, {name: np.float32(name == param) for name in hidden})
    for name in set(hidden) - {param}:
        np.testing.assert_array_equal(found[name], hidden[name])
    return losses, found[param]


@functools.cache
def read_out_search(name, shared):
    """Hidden decays, what is seen of them, and the descent."""
    layer, x, hidden = spread(name, shared, readout=True)
    out = lambda params: layer.apply({"params": params}, x)
    return hidden, jax.jit(out)(hidden), descent(out, 300, 0.02)


def long_unless(quick, name, *rest):
    """A parameter set, marked slow for all but the quick families."""
    return pytest.param(name, *rest, marks=() if name in quick else pytest.mark.slow)


@GRANULARITY
@pytest.mark.parametrize(
    ("name", "param"), [long_unless(("cuba", "rf_iz"), *row) for row in MEMBRANE]
)
def test_a_hidden_decay_is_found_within_two_per_cent(name, param, shared):
    hidden, target, run = read_out_search(name, shared)
    factor = 0.7 if param.endswith("e_decay") else 0.9
    losses, found = search(run, hidden, param, factor, target)
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


@functools.cache
def spike_search(name, shared):
    """A neuron, its hidden threshold, the spikes that are seen of it, and the descent."""
    sharp = {"tau_grad": 0.5} if name == "adrf" else {"tau_grad": 0.005}
    layer = cases.make(name, threshold_grad=True, shared_param=shared, **sharp)
    x = cases.drive(name, (64, 2, 60), seed=1)
    variables = cases.init(layer, jax.random.key(0), x)
    out = lambda params: filtered(layer.apply({**variables, "params": params}, x))
    hidden = variables["params"]
    return layer, hidden, jax.jit(out)(hidden), descent(out, 250, 0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "param", "shared"), LEARNED_FROM_SPIKES)
def test_a_hidden_threshold_is_found_from_the_spikes_of_a_teacher(name, param, shared):
    layer, hidden, target, run = spike_search(name, shared)
    losses, found = search(run, hidden, param, 0.7, target)
    assert losses[-1] < 0.02 * losses[0]
    if param in ("threshold", "threshold_step"):  # in use are multiples of 1 / scale
        found = np.floor(found * layer.scale + 1e-4) / layer.scale
    np.testing.assert_allclose(found, hidden[param], rtol=0.02)


@functools.cache
def size_search(shared):
    """The hidden threshold of a sigma-delta neuron, the mean size of what it sends, the descent."""
    fields = {"threshold": 0.5, "activation": "identity", "tau_grad": 0.3, "scale_grad": 0.3}
    layer = cases.make("sigma_delta", **fields, requires_grad=True, shared_param=shared)
    x = cases.drive("sigma_delta", (512, 3, 100), mean=0.0, spread=0.2)
    size = lambda y: jax.lax.stop_gradient(jnp.sign(y)) * y  # with gradient 0 where nothing is sent
    # the mean size of what is sent falls with the threshold
    out = lambda params: jnp.mean(size(layer.apply({"params": params}, x)), axis=(0, 2))
    hidden = cases.init(layer, jax.random.key(0), x)["params"]
    return hidden, jax.jit(out)(hidden), descent(out, 300, 0.01)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.7, 1.4])
@GRANULARITY
def test_a_hidden_threshold_of_a_sigma_delta_neuron_is_found(shared, factor):
    hidden, target, run = size_search(shared)
    losses, found = search(run, hidden, "threshold", factor, target)
    assert losses[-1] < 0.02 * losses[0]
    np.testing.assert_allclose(found, hidden["threshold"], rtol=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cuba", "rf_iz"])
def test_a_learned_threshold_of_a_plain_neuron_moves_toward_the_teacher_s(name):
    layer, hidden, target, run = spike_search(name, True)
    assert set(hidden) == {"threshold"}
    _, found = search(run, hidden, "threshold", 0.7, target)
    np.testing.assert_allclose(
        np.floor(found * layer.scale + 1e-4) / layer.scale, hidden["threshold"], rtol=0.02
    )


@pytest.mark.slow
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
    target = jax.jit(teacher.apply)(variables, x)
    student = network(0.3, 0.1)
    first = jax.jit(student.init)(jax.random.key(0), x)["params"]
    first = {
        name: {"synapse": variables["params"][name]["synapse"], "neuron": first[name]["neuron"]}
        for name in first
    }
    decays = {name: value["neuron"] for name, value in first.items()}

    def out(decays):
        params = {name: {**first[name], "neuron": decays[name]} for name in first}
        return student.apply({"params": params}, x)

    everything = jax.tree.map(lambda leaf: np.float32(1), decays)
    losses, found = descent(out, 60, 0.02)(decays, target, everything)
    assert np.asarray(target).any()
    assert losses[-5:].mean() < 0.3 * losses[0]
    for old, new in zip(jax.tree.leaves(decays), jax.tree.leaves(found), strict=True):
        assert (np.asarray(old) != new).all()  # every decay took part
