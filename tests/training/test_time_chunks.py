"""Chunks of time: the output and the gradient of one call, with the memory of one chunk."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.block import Sequential, cuba, rf
from jslayer.neuron import MeanOnlyBatchNorm
from jslayer.training import time_chunks
from tests.block import own

NEURON = {
    "threshold": 1.0,
    "current_decay": 0.25,
    "voltage_decay": 0.03,
    "tau_grad": 0.1,
    "requires_grad": True,
}
RESONATOR = {"threshold": 0.5, "period": 8, "decay": 0.1}
X = jnp.asarray(np.random.default_rng(0).random((2, 6, 23)) < 0.4, jnp.float32)
KEY = jax.random.key(0, impl="rbg")  # its draws compile sooner
NETWORK = Sequential(
    [
        cuba.Dense(NEURON, 6, 5, weight_scale=4, delay=True),
        cuba.Recurrent(NEURON, 5, 5, weight_scale=4),
        rf.Dense(RESONATOR, 5, 4, weight_scale=8),
        cuba.Affine(NEURON, 4, 2, weight_scale=4),
    ]
)


@pytest.fixture(scope="module")
def variables():
    variables = jax.jit(NETWORK.init)(KEY, X)
    variables["params"]["blocks_0"]["delay_line"]["delay"] = jnp.linspace(0.0, 9.0, 5)
    return variables


@pytest.fixture(scope="module")
def whole(variables):
    """The output of one call."""
    return jax.jit(NETWORK.apply)(variables, X)


WEIGHT = np.random.default_rng(2).normal(size=(2, 2, 23)).astype(np.float32)


def slope(variables, apply):
    """The gradient of a weighted sum of what ``apply`` gives."""
    error = lambda params: jnp.sum(WEIGHT * apply({**variables, "params": params}, X))
    return jax.device_get(jax.jit(jax.grad(error))(variables["params"]))


@pytest.fixture(scope="module")
def whole_slope(variables):
    """The gradient of one call."""
    return slope(variables, NETWORK.apply)


@pytest.mark.parametrize("chunk", [1, 5, 23, 40])
def test_chunks_give_the_output_of_one_call_bit_for_bit(variables, whole, chunk):
    assert np.any(whole)
    found = jax.jit(time_chunks(NETWORK, chunk))(variables, X)
    np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("chunk", [1, 5, 40])
def test_the_gradient_is_that_of_one_call(variables, whole_slope, chunk):
    found = slope(variables, time_chunks(NETWORK, chunk))
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(whole_slope), strict=True):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * scale)
        assert scale > 0


def test_a_module_of_ones_own_runs_in_chunks_with_all_its_outputs():
    for kind in (own.Sum, own.Heads):
        module, variables, x = own.ready(kind)
        own.equal(jax.jit(time_chunks(module, 4))(variables, x), own.sent(kind))


def test_counts_come_along_as_means_over_all_steps():
    network = Sequential([cuba.Dense(NEURON, 6, 2, weight_scale=4, count_log=True)])
    variables = jax.jit(network.init)(KEY, X)
    y, counts = jax.jit(time_chunks(network, 7))(variables, X)
    expected, whole = network.apply(variables, X)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_allclose(counts, whole, rtol=1e-6)


def test_a_truncated_gradient_within_a_chunk_is_whole_and_ends_at_its_border():
    layer = cuba.Affine(NEURON, 3, 2, weight_scale=4)
    network = Sequential([layer])
    x = jnp.ones((1, 3, 12))
    variables = jax.jit(network.init)(KEY, x)

    def error(params, apply, x):
        return jnp.sum(apply({"params": params}, x)[..., -1])

    gradient = jax.jit(jax.grad(error), static_argnums=1)
    whole = gradient(variables["params"], network.apply, x)
    one = gradient(variables["params"], time_chunks(network, 12, truncated=True), x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), one, whole)
    # a loss on the last step learns from its own chunk only: from the input since the border
    cut = gradient(variables["params"], time_chunks(network, 4, truncated=True), x)["blocks_0"][
        "synapse"
    ]
    late = x.at[..., :8].set(0)
    recent = gradient(variables["params"], network.apply, late)["blocks_0"]["synapse"]
    np.testing.assert_allclose(cut["weight"], recent["weight"], rtol=1e-5)
    assert np.all(np.abs(cut["weight"]) < np.abs(whole["blocks_0"]["synapse"]["weight"]))


def test_memory_of_a_gradient_grows_with_the_chunk_instead_of_the_time():
    network = Sequential([cuba.Dense(NEURON, 16, 64), cuba.Dense(NEURON, 64, 2)])

    def bytes_of(apply, steps):
        x = jnp.ones((2, 16, steps))
        variables = jax.eval_shape(network.init, jax.random.key(0), x)
        objective = lambda params, x: jnp.sum(apply({"params": params}, x))
        compiled = jax.jit(jax.grad(objective)).lower(variables["params"], x).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    chunks = time_chunks(network, 32)
    whole = bytes_of(network.apply, 1024)
    assert bytes_of(chunks, 1024) < 0.5 * whole


def test_dropout_is_drawn_anew_in_every_chunk_and_fixed_by_the_key():
    network = Sequential([cuba.Dense({**NEURON, "dropout": 0.5}, 6, 32, weight_scale=8)])
    variables = jax.jit(network.init)(KEY, X)
    apply = time_chunks(network, 4)
    dropped = jax.jit(lambda key: apply(variables, X, train=True, rngs={"dropout": key}))
    drop = lambda seed: dropped(jax.random.key(seed))
    np.testing.assert_array_equal(drop(0), drop(0))
    assert np.any(drop(0) != drop(1))
    assert np.any(drop(0) != jax.jit(apply)(variables, X))


def test_what_would_forget_is_refused():
    with pytest.raises(ValueError, match="`chunk` is 0, expected a whole number of at least 1"):
        time_chunks(NETWORK, 0)
    normed = Sequential([cuba.Dense({**NEURON, "norm": MeanOnlyBatchNorm}, 6, 4)])
    variables = jax.jit(normed.init)(KEY, X)
    apply = time_chunks(normed, 4)
    expected = jax.jit(normed.apply)(variables, X)
    np.testing.assert_array_equal(apply(variables, X), expected)
    with pytest.raises(ValueError, match=r"norm.*expected None in chunks of time"):
        apply(variables, X, train=True)
    decimated = Sequential([cuba.TimeDecimation(2)])
    with pytest.raises(ValueError, match="expected none in chunks of time"):
        time_chunks(decimated, 4)({}, X)
