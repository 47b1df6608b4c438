"""The sigma-delta neuron: what it wraps, its bias, its errors, its events."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import axon, block, dendrite, neuron
from tests.neuron import cases

X = cases.drive("sigma_delta", (2, 3, 30), mean=0.1, spread=0.3)


def make(**changes):
    return cases.make("sigma_delta", **changes)


def parts(x, function, threshold, scale=4096):
    """The same out of the delta encoder and the sigma decoder."""
    sums = dendrite.Sigma().apply({}, x)
    return axon.Delta(threshold, scale=scale).apply({}, function(sums))


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        ("relu", jax.nn.relu),
        ("tanh", jnp.tanh),
        ("identity", lambda x: x),
        (jax.nn.gelu, jax.nn.gelu),
        (lambda x: x**2, lambda x: x**2),
    ],
)
def test_it_wraps_any_activation(activation, function):
    layer = make(activation=activation)
    np.testing.assert_array_equal(layer.apply({}, X), parts(X, function, 0.25))
    loss = lambda x: jnp.sum(layer.apply({}, x) * jnp.arange(30.0))
    assert np.isfinite(jax.grad(loss)(X)).all()


def test_the_sum_of_what_is_sent_follows_the_activation():
    y = make(activation="tanh", threshold=0.125).apply({}, X)
    wanted = jnp.tanh(jnp.cumsum(X, axis=-1))
    # each event may lose less than a level to the floor
    assert np.abs(np.cumsum(y, axis=-1) - wanted).max() < 0.125 + 30 / 4096


@pytest.mark.parametrize("name", ["cuba", "alif"])
def test_it_wraps_a_neuron_with_all_its_dynamics(name):
    inner = cases.make(name, readout=True)
    layer = make(activation=inner, threshold=0.125)
    x = X.at[..., 1:].set(X[..., 1:] - X[..., :-1])  # the changes of X
    expected = axon.Delta(0.125, scale=4096).apply({}, inner.apply({}, jnp.cumsum(x, axis=-1)))
    np.testing.assert_array_equal(layer.apply({}, x), expected)
    kept = layer.clone(persistent_state=True)
    head, state = kept.apply({}, x[..., :11], mutable=["state"])
    tail, _ = kept.apply(state, x[..., 11:], mutable=["state"])
    np.testing.assert_array_equal(jnp.concatenate([head, tail], -1), expected)


@pytest.mark.parametrize("name", cases.COMPLEX)
def test_it_wraps_a_complex_neuron_whose_parts_it_both_sums_up(name):
    inner = cases.make(name, readout=True)
    layer = make(activation=inner, threshold=0.125)
    x = cases.drive(name, (2, 3, 30), spread=0.2)
    changes = tuple(part.at[..., 1:].set(part[..., 1:] - part[..., :-1]) for part in x)
    sums = tuple(jnp.cumsum(part, axis=-1) for part in changes)
    expected = axon.Delta(0.125, scale=4096).apply({}, inner.apply({}, sums))
    assert expected.any()
    np.testing.assert_array_equal(layer.apply({}, changes), expected)
    kept = layer.clone(persistent_state=True)
    head, state = kept.apply({}, cases.cut(changes, 0, 11), mutable=["state"])
    assert {"sum_real_state", "sum_imag_state"} < set(state["state"])
    tail, _ = kept.apply(state, cases.cut(changes, 11, 30), mutable=["state"])
    np.testing.assert_array_equal(jnp.concatenate([head, tail], -1), expected)
    loss = lambda x: jnp.sum(layer.apply({}, x) * jnp.arange(30.0))
    assert all(np.asarray(part).any() for part in jax.grad(loss)(changes))


def test_a_complex_neuron_inside_makes_the_block_s_synapse_complex():
    neuron_params = {"threshold": 0.125, "activation": cases.make("rf_iz", readout=True)}
    network = block.Sequential(
        [
            block.sigma_delta.Input(neuron_params),
            block.sigma_delta.Dense(neuron_params, None, 4, weight_scale=4),
            block.sigma_delta.Output(neuron_params, None, 2),
        ]
    )
    variables = network.init(jax.random.key(0), X)
    assert set(variables["params"]["blocks_1"]["synapse"]) == {"real", "imag"}
    assert set(variables["params"]["blocks_2"]["synapse"]) == {"weight"}
    assert np.asarray(network.apply(variables, X)).any()


def test_a_bias_is_added_to_the_sum():
    layer = make(activation="identity", bias=0.5, requires_grad=True)
    variables = layer.init(jax.random.key(0), X)
    assert variables["params"]["bias"].shape == (3,)
    bias = jnp.array([0.5, -0.25, 1.0])
    params = {**variables["params"], "bias": bias}
    expected = parts(X, lambda s: s + bias[:, None], 0.25)
    np.testing.assert_array_equal(layer.apply({"params": params}, X), expected)
    gradient = jax.grad(lambda p: jnp.sum(layer.apply({"params": p}, X)[..., 0]))(params)
    np.testing.assert_allclose(gradient["bias"], 2)
    each = make(bias=0.5, bias_param="neuron")
    x = cases.drive("sigma_delta", (1, 2, 3, 4, 5))
    assert each.init(jax.random.key(0), x)["constants"]["bias"].shape == (2, 3, 4)


def test_a_cumulative_error_is_compared_instead_of_the_change():
    x = jnp.zeros((1, 1, 8)).at[..., 0].set(0.1875)  # a sum that never changes again
    plain = make(activation="identity").apply({}, x)
    assert not plain.any()
    summed = make(activation="identity", cum_error=True).apply({}, x)
    np.testing.assert_array_equal(summed[0, 0], [0, 0.1875, 0, 0, 0, 0, 0, 0])


def test_a_step_that_does_not_change_costs_no_event():
    x = jnp.zeros((1, 4, 50)).at[..., 0].set(2.0)
    y = make(activation="relu").apply({}, x)
    assert np.count_nonzero(y) == 4


def test_the_names_of_activations_are_those_of_the_file():
    assert make().device_params({})["activation"] == "relu"
    assert make(activation=jnp.tanh).activation_name == "tanh"
    assert make(activation=neuron.cuba.Neuron(1.0, 0.5, 0.5)).activation_name == "neuron"
    assert make(threshold=0.3).device_params({}) == {
        "type": "SDNN",
        "activation": "relu",
        "vThMant": 19,
    }
