"""Decays learn: the loss goes down, and a hidden decay is found."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer.block import Sequential
from jslayer.block import cuba as block
from jslayer.neuron import cuba

NAMES = ("current_decay", "voltage_decay")


def trained(loss, params, steps):
    """Losses of all steps, first to last, and the parameters found."""
    with jax.numpy_dtype_promotion("standard"):  # Adam mixes integers and floats
        optimizer = optax.adam(0.02)

        def step(carry, _):
            params, state = carry
            value, gradient = jax.value_and_grad(loss)(params)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(params, updates), state), value

        start = (params, optimizer.init(params))
        (params, _), losses = jax.jit(lambda c: jax.lax.scan(step, c, None, length=steps))(start)
    return np.asarray(losses), params


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

    losses, found = trained(loss, decays, 60)
    assert target.any()
    assert losses[-5:].mean() < 0.3 * losses[0]
    for old, new in zip(jax.tree.leaves(decays), jax.tree.leaves(found), strict=True):
        assert (old != new).all()  # every decay took part


def test_training_decays_of_individual_neurons_lowers_the_loss():
    rng = np.random.default_rng(1)
    x = jnp.asarray(rng.normal(0.1, 0.3, (3, 2, 3, 3, 20)), jnp.float32)
    fields = {"shared_param": "neuron", "requires_grad": True, "tau_grad": 0.01, "scale_grad": 10}
    neuron = cuba.Neuron(1.0, 0.3, 0.1, **fields)
    hidden = {n: jnp.asarray(rng.uniform(0.1, 0.6, (2, 3, 3)), jnp.float32) for n in NAMES}
    voltage = lambda p: neuron.clone(readout=True).apply({"params": p}, x)
    target = voltage(hidden)
    first = jax.jit(neuron.init)(jax.random.key(0), x)["params"]
    losses, _ = trained(lambda p: jnp.mean((voltage(p) - target) ** 2), first, 80)
    assert losses[-1] < 0.1 * losses[0]

    rates = lambda p: neuron.apply({"params": p}, x).mean(-1)
    aim = rates(hidden)
    losses, _ = trained(lambda p: jnp.mean((rates(p) - aim) ** 2), first, 80)
    assert losses[-10:].mean() < 0.5 * losses[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shared", [True, False])
def test_a_hidden_decay_is_found_within_two_per_cent(shared, name):
    neuron = {"threshold": 1.0, "current_decay": 0.5, "voltage_decay": 0.2}
    neuron = {**neuron, "shared_param": shared, "requires_grad": True}
    affine = block.Affine(neuron, 6, 3, pre_hook_fx=None)
    x = jnp.asarray(np.random.default_rng(2).random((3, 6, 25)) < 0.2, jnp.float32)
    params = jax.jit(affine.init)(jax.random.key(0), x)["params"]
    hidden = params["neuron"]

    def out(decay):
        return affine.apply({"params": {**params, "neuron": {**hidden, name: decay}}}, x)

    target = out(hidden[name])
    losses, found = trained(lambda d: jnp.mean((out(d) - target) ** 2), 0.5 * hidden[name], 200)
    assert losses[-1] < 1e-3 * losses[0]
    np.testing.assert_allclose(found, hidden[name], rtol=0.02)
