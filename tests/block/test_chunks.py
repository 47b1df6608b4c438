"""A persistent network over parts of a recording equals one call over all of it, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jslayer.block import Sequential, cuba

STEPS = 6
NEURON = {
    "threshold": 1.0,
    "current_decay": 0.25,
    "voltage_decay": 0.125,
    "persistent_state": True,
}
NETWORKS = {
    "input": cuba.Input(NEURON, weight=1.5, bias=0.1),
    "dense": cuba.Dense(NEURON, 3, 4, weight_scale=4),
    "dense without shift": cuba.Dense(NEURON, 3, 4, weight_scale=4, delay_shift=False),
    "dense with delay": cuba.Dense(NEURON, 3, 4, weight_scale=4, delay=True),
    "dense with delay, without shift": cuba.Dense(
        NEURON, 3, 4, weight_scale=4, delay=True, delay_shift=False
    ),
    "affine": cuba.Affine(NEURON, 3, 4),
    "in a row": Sequential(
        [
            cuba.Input(NEURON),
            cuba.Dense(NEURON, 3, 4, weight_scale=4, delay="inputs"),
            cuba.Affine(NEURON, 4, 2),
        ]
    ),
}
FUNCTIONS = {
    name: jax.jit(lambda v, x, network=network: network.apply(v, x, mutable=["state"]))
    for name, network in NETWORKS.items()
}
FIRST = {}


def fresh(name, x):
    """First variables, with delays of zero to three steps where there are delays."""
    if name not in FIRST:
        variables = jax.jit(NETWORKS[name].init)(jax.random.key(1), x)
        spread = lambda path, leaf: (
            jnp.arange(float(len(leaf))) + 0.5 if path[-1].key == "delay" else leaf
        )
        FIRST[name] = jax.tree_util.tree_map_with_path(spread, variables)
    return FIRST[name]


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=10)
@given(cuts=st.sets(st.integers(1, STEPS - 1), max_size=3), seed=st.integers(0, 2**16))
@example(cuts={3}, seed=0)
def test_parts_equal_the_whole(name, cuts, seed):
    x = 2 * (np.random.default_rng(seed).random((2, 3, STEPS)) < 0.5).astype(np.float32)
    for cut in cuts:
        x[..., cut - 1] = 2  # spikes on both sides of every border
    variables = fresh(name, x)
    whole, last = FUNCTIONS[name](variables, x)
    assert seed or np.asarray(whole).any()
    parts, state = [], {}
    for piece in np.split(x, sorted(cuts), axis=-1):
        y, state = FUNCTIONS[name]({**variables, **state}, piece)
        parts.append(y)
    np.testing.assert_array_equal(np.concatenate(parts, -1), whole)
    jax.tree.map(np.testing.assert_array_equal, state, last)


def test_an_impulse_in_the_last_step_of_a_part_comes_out_in_the_next():
    memoryless = {**NEURON, "current_decay": 1.0, "voltage_decay": 1.0}
    network = cuba.Dense(memoryless, 1, 3, delay=True)
    params = {
        "synapse": {"weight": jnp.full((3, 1), 1.5)},
        "delay_line": {"delay": jnp.array([0.0, 2.0, 5.0])},
    }
    x = jnp.zeros((1, 1, 4)).at[..., 3].set(1)
    apply = jax.jit(lambda v, x: network.apply(v, x, mutable=["state"]))
    first, state = apply({"params": params}, x)
    assert not first.any()
    second, state = apply({"params": params, **state}, 0 * x)
    np.testing.assert_array_equal(second[0], [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    third, _ = apply({"params": params, **state}, 0 * x)
    np.testing.assert_array_equal(third[0], [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]])


def test_a_network_that_forgets_gives_the_same_twice():
    network = cuba.Dense({**NEURON, "persistent_state": False}, 3, 4, weight_scale=4)
    x = jnp.ones((2, 3, STEPS))
    variables = jax.jit(network.init)(jax.random.key(0), x)
    assert "state" not in variables
    first, updates = network.apply(variables, x, mutable=["state"])
    assert not updates.get("state")
    np.testing.assert_array_equal(network.apply(variables, x), first)


def test_a_state_that_is_not_mutable_is_read_and_left():
    network, x = NETWORKS["dense"], jnp.ones((2, 3, STEPS))
    variables = fresh("dense", x)
    _, state = network.apply(variables, x, mutable=["state"])
    np.testing.assert_array_equal(
        network.apply({**variables, **state}, x),
        network.apply({**variables, **state}, x, mutable=["state"])[0],
    )
