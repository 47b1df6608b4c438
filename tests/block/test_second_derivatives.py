"""Derivatives of gradients through whole blocks, in both orders, or an error that says so."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block, neuron
from tests.ops.test_second_derivatives import agree, pair

CUBA = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.05}
NORM = {**CUBA, "norm": neuron.MeanOnlyBatchNorm}
SIGMA_DELTA = {"threshold": 0.1, "activation": "relu"}
ROWS, IMAGES, SMALL = (2, 4, 8), (2, 2, 6, 6, 5), (2, 2, 3, 3, 5)
BLOCKS = {
    "dense with delays": (block.cuba.Dense(CUBA, 4, 3, delay=True, delay_shift=True), ROWS),
    "dense with norms": (block.cuba.Dense(NORM, 4, 3, weight_norm=True), ROWS),
    "dense in bfloat16": (block.cuba.Dense(CUBA, 4, 3, dtype=jnp.bfloat16), ROWS),
    "k winners": (block.cuba.KWTA(CUBA, 4, 4, num_winners=2), ROWS),
    "convolution": (block.cuba.Conv(CUBA, 2, 2, 3, groups=2), IMAGES),
    "pool": (block.cuba.Pool(CUBA, 2), IMAGES),
    "transposed": (block.cuba.ConvT(CUBA, 2, 3, 3, stride=2), SMALL),
    "unpool": (block.cuba.Unpool(CUBA, 2), SMALL),
    "sigma-delta": (block.sigma_delta.Conv(SIGMA_DELTA, 2, 3, 3), IMAGES),
}
RANDOM = np.random.default_rng(0)


def started(network, x):
    """A loss of parameters and input, and where to look at it."""
    variables = dict(network.init(jax.random.key(0), x))
    params = variables.pop("params", {})

    def loss(given):
        params, x = given
        y = network.apply({**variables, "params": params}, x)
        return jnp.sum(jnp.cos(jnp.arange(y.size * 1.0)).reshape(y.shape) * y + y**2)

    return loss, (params, x)


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_have_second_derivatives_in_both_orders(name):
    network, shape = BLOCKS[name]
    x = jnp.asarray(3 * RANDOM.normal(size=shape), jnp.float32)
    loss, given = started(network, x)
    agree(loss, given, rtol=2e-3)


def test_a_block_that_runs_again_for_the_gradient_has_them_in_reverse_mode():
    x = jnp.asarray(3 * RANDOM.normal(size=ROWS), jnp.float32)
    plain = block.cuba.Dense(CUBA, 4, 3)
    again = block.cuba.Dense({**CUBA, "policy": "save_spikes"}, 4, 3)
    found = []
    for network in (plain, again):
        loss, given = started(network, x)
        found.append(jax.jit(jax.grad(lambda g, f=loss: pair(jax.grad(f)(g), g)))(given))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), *found)


def test_events_kept_as_bits_have_no_second_derivative_and_say_so():
    spiking = {**CUBA, "policy": "save_spikes"}
    network = block.Sequential([block.cuba.Dense(spiking, 4, 3), block.cuba.Dense(spiking, 3, 2)])
    loss, given = started(network, jnp.asarray(RANDOM.random(ROWS), jnp.float32))
    with pytest.raises(NotImplementedError, match="keeps its events as bits"):
        jax.grad(lambda g: pair(jax.grad(loss)(g), g))(given)


def test_forward_mode_of_a_network_says_what_to_do():
    loss, given = started(BLOCKS["dense with delays"][0], jnp.ones(ROWS))
    with pytest.raises(TypeError, match="reverse mode only"):
        jax.jvp(loss, (given,), (given,))
