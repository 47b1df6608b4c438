"""Penalties on activity: rates, magnitudes, and what their gradient pulls down."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jslayer
from jslayer import loss
from jslayer.block import Loop, Sequential, cuba

X = jnp.array([[[0.0, 2.0, -1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]])
NEURON = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, "tau_grad": 0.1}


def test_a_graded_event_counts_once_as_a_rate_and_by_its_size_as_a_magnitude():
    rate, size = 3 / 8, 4 / 8
    np.testing.assert_allclose(
        loss.event_rate_loss([X], max_rate=0.1, lam=2), 2 * (rate - 0.1) ** 2, rtol=1e-6
    )
    np.testing.assert_allclose(
        loss.sparsity_loss([X], max_rate=0.1, lam=2), 2 * (size - 0.1) ** 2, rtol=1e-6
    )
    assert loss.SparsityEnforcer(0.1, 2)([X]) == loss.sparsity_loss([X], max_rate=0.1, lam=2)


def test_layers_below_the_free_rate_cost_nothing_and_the_others_add_up():
    rates = {"a": 0.05, "b": {"c": 0.3}, "d": jnp.float32(0.2)}
    np.testing.assert_allclose(
        loss.event_rate_loss(rates, max_rate=0.1), 0.2**2 + 0.1**2, rtol=1e-5
    )
    np.testing.assert_allclose(
        loss.SparsityEnforcer(0.1, 3).terms([X, 0 * X]), [0.16, 0], rtol=1e-5
    )


def test_the_gradient_of_a_rate_makes_events_smaller_and_leaves_silence_alone():
    np.testing.assert_allclose(jax.grad(loss.event_fraction)(X), jnp.sign(X) / 8)
    for penalty in (loss.event_rate_loss, loss.sparsity_loss):
        gradient = jax.grad(lambda x, p=penalty: p([x], max_rate=0.0))(X)
        np.testing.assert_array_equal(jnp.sign(gradient), jnp.sign(X))
        np.testing.assert_array_equal(jax.grad(lambda x, p=penalty: p([x], max_rate=1))(X), 0 * X)


def network():
    return Sequential(
        [cuba.Dense(NEURON, 3, 4, weight_scale=8), cuba.Dense(NEURON, 4, 2, weight_scale=8)]
    )


def test_a_penalty_on_the_rates_of_a_network_makes_it_sparser():
    x = jnp.asarray(np.random.default_rng(0).random((2, 3, 20)) < 0.5, jnp.float32)
    variables = network().init(jax.random.key(0), x)

    def rates(params):
        y, seen = network().apply({"params": params}, x, mutable="intermediates")
        return jslayer.event_rates(seen["intermediates"]), y

    def penalty(params):
        return loss.event_rate_loss(rates(params)[0], max_rate=0.01)

    plain, _ = rates(variables["params"])
    assert list(plain) == ["blocks_0", "blocks_1"]
    value, gradient = jax.jit(jax.value_and_grad(penalty))(variables["params"])
    np.testing.assert_allclose(value, loss.event_rate_loss(plain, max_rate=0.01), rtol=1e-6)
    for leaf in jax.tree.leaves(gradient):
        assert np.any(leaf)
    norm = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(gradient)))
    lower = jax.tree.map(lambda p, g: p - 4 * g / norm, variables["params"], gradient)
    assert penalty(lower) < value


def test_rates_inside_a_loop_carry_a_gradient_too():
    neuron = {**NEURON, "persistent_state": True}

    class Fed(nn.Module):
        @nn.compact
        def __call__(self, x, back, *, train=False):
            layer = cuba.Dense(neuron, None, 2, weight_scale=8)
            return layer(jnp.concatenate([x, back], axis=1))

    net, x = Loop(Fed(), feedback=(2,)), jnp.ones((1, 3, 12))
    variables = net.init(jax.random.key(0), x)

    def penalty(params):
        _, seen = net.apply({"params": params}, x, mutable="intermediates")
        return loss.event_rate_loss(jslayer.event_rates(seen["intermediates"]), max_rate=0.0)

    value, gradient = jax.value_and_grad(penalty)(variables["params"])
    assert value > 0
    assert any(np.any(leaf) for leaf in jax.tree.leaves(gradient))


def test_nothing_to_penalise_is_a_mistake():
    with pytest.raises(ValueError, match="`rates` holds no layer, expected at least one"):
        loss.event_rate_loss({})
    with pytest.raises(ValueError, match=r"`max_rate` is -1.0, expected numbers in \[0"):
        loss.event_rate_loss([X], max_rate=-1.0)
    with pytest.raises(ValueError, match=r"`lam` is -1.0, expected"):
        loss.SparsityEnforcer(lam=-1.0)([X])
