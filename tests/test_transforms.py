"""Networks under the transformations of JAX: jit, grad, vmap, remat, donation, 64-bit mode."""

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import loss
from jslayer.block import Sequential, cuba

NEURON = {
    "threshold": 1.0,
    "current_decay": 0.25,
    "voltage_decay": 0.125,
    "tau_grad": 0.01,
    "scale_grad": 10,
    "requires_grad": True,
}
X = jnp.asarray(np.random.default_rng(0).random((4, 6, 12)) < 0.3, jnp.float32)
LABEL = jnp.array([0, 1, 1, 0])
ERROR = loss.SpikeRate(true_rate=0.6, false_rate=0.1)
LAYERS = ((6, 5), (5, 2))


def network():
    return Sequential([cuba.Dense(NEURON, a, b, weight_scale=4, delay=True) for a, b in LAYERS])


def error(params, x=X, label=LABEL, *, net=None):
    return ERROR((net or network()).apply({"params": params}, x), label)


@pytest.fixture(scope="module")
def params():
    return jax.jit(network().init)(jax.random.key(0), X)["params"]


@pytest.fixture(scope="module")
def gradient(params):
    return jax.jit(jax.grad(error))(params)


def close(found, expected, **tolerance):
    compare = lambda f, e: np.testing.assert_allclose(
        f, e, **{"rtol": 1e-5, "atol": 1e-6, **tolerance}
    )
    jax.tree.map(compare, found, expected)


def test_the_gradient_reaches_every_parameter_of_both_blocks(gradient):
    for leaf in jax.tree.leaves(gradient):
        assert np.isfinite(leaf).all()
        assert np.any(leaf)


def test_compiled_and_not_compiled_give_the_same_spikes(params):
    first = cuba.Dense(NEURON, *LAYERS[0], weight_scale=4, delay=True)
    apply = lambda p, x: first.apply({"params": p["blocks_0"]}, x)
    spikes = apply(params, X)
    assert spikes.any()
    np.testing.assert_array_equal(jax.jit(apply)(params, X), spikes)


@pytest.mark.parametrize("wrap", ["checkpoint", "remat"])
def test_rematerialisation_changes_no_gradient(params, gradient, wrap):
    if wrap == "checkpoint":
        found = jax.jit(jax.grad(jax.checkpoint(error)))(params)
    else:
        dense = nn.remat(cuba.Dense)
        net = Sequential([dense(NEURON, a, b, weight_scale=4, delay=True) for a, b in LAYERS])
        found = jax.jit(jax.grad(lambda p: error(p, net=net)))(params)
    close(found, gradient)


def test_a_second_call_with_new_numbers_and_new_equal_modules_traces_nothing(params):
    traces = []

    @jax.jit
    def step(params, x):
        traces.append(None)
        return jax.value_and_grad(lambda p: error(p, x))(params)

    step(params, X)
    step(jax.tree.map(lambda p: 0.9 * p, params), 1 - X)
    assert len(traces) == 1


def test_equal_modules_are_one_static_argument(params):
    traces = []

    def apply(net, params, x):
        traces.append(None)
        return net.apply({"params": params}, x)

    compiled = jax.jit(apply, static_argnums=0)
    mask = np.eye(6, dtype=bool)
    for _ in range(2):
        net = cuba.Dense(flax.core.freeze(NEURON), 6, 6, mask=mask.copy())
        compiled(net, {"synapse": {"weight": jnp.ones((6, 6))}, "neuron": DECAYS}, X)
    assert len(traces) == 1


DECAYS = {"current_decay": jnp.float32(0.25), "voltage_decay": jnp.float32(0.125)}


def descent(params, x, label):
    value, gradient = jax.value_and_grad(error)(params, x, label)
    return jax.tree.map(lambda p, g: p - 0.02 * g, params, gradient), value


def test_an_ensemble_learns_in_one_step_as_its_members_would_alone():
    keys = jax.random.split(jax.random.key(4), 3)
    members = jax.jit(jax.vmap(lambda key: network().init(key, X)["params"]))(keys)
    together = jax.jit(jax.vmap(descent, (0, None, None)))
    alone = jax.jit(descent)
    found, values = together(members, X, LABEL)
    assert len(set(values.tolist())) == 3
    for k in range(3):
        own, value = alone(jax.tree.map(lambda p, k=k: p[k], members), X, LABEL)
        close(jax.tree.map(lambda p, k=k: p[k], found), own, rtol=1e-4)
        np.testing.assert_allclose(values[k], value, rtol=1e-5)
    first = values
    for _ in range(30):
        found, values = together(found, X, LABEL)
    assert (values < first).all()


def test_a_sweep_over_decays_is_a_map_over_numbers(params):
    def spikes(decay):
        swept = {**DECAYS, "voltage_decay": decay}
        own = {**params["blocks_0"], "neuron": swept}
        net = cuba.Dense(NEURON, 6, 5, weight_scale=4, delay=True)
        return net.apply({"params": own}, X)

    decays = jnp.array([0.0, 0.25, 1.0])
    swept, alone = jax.jit(jax.vmap(spikes))(decays), jax.jit(spikes)
    for k in range(3):
        np.testing.assert_array_equal(swept[k], alone(decays[k]))
    assert swept[0].sum() > swept[2].sum()


def test_a_map_over_samples_is_the_batch(params):
    one = lambda x: network().apply({"params": params}, x[None])[0]
    np.testing.assert_array_equal(
        jax.jit(jax.vmap(one))(X), jax.jit(network().apply)({"params": params}, X)
    )


def test_parameters_may_be_donated(params):
    own = jax.tree.map(lambda p: p.copy(), params)
    found, _ = jax.jit(descent, donate_argnums=0)(own, X, LABEL)
    close(found, jax.jit(descent)(params, X, LABEL)[0])
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(own))


def test_training_inside_a_scan_lowers_the_loss(params):
    steps = jax.jit(lambda p: jax.lax.scan(lambda p, _: descent(p, X, LABEL), p, None, length=30))
    _, values = steps(params)
    assert values[-1] < values[0]


def test_64_bit_mode_gives_the_same_spikes_and_gradients(params, gradient):
    apply = lambda p, x: network().apply({"params": p}, x)
    spikes = jax.jit(apply)(params, X)
    with jax.enable_x64(True):
        wide = jax.jit(apply)(params, X)
        found = jax.jit(jax.grad(error))(params)
    assert wide.dtype == jnp.float32
    np.testing.assert_array_equal(wide, spikes)
    close(found, gradient)


def test_64_bit_mode_initialises_32_bit_parameters():
    with jax.enable_x64(True):
        variables = jax.jit(network().init)(jax.random.key(0), X)
    for leaf in jax.tree.leaves(variables["params"]):
        assert leaf.dtype == jnp.float32
    for leaf in jax.tree.leaves(variables["constants"]):  # sizes, for the network file
        assert leaf.dtype == jnp.int32
