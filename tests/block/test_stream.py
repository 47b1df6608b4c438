"""One step at a time: the same as the whole, as a pure function whose state is used up."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block, neuron
from jslayer.block import Loop, Sequential, cuba, persistent, sigma_delta, stream
from tests.block import cases, own

STEPS = 12
CUBA = cases.fields("cuba")
X = cases.events((2, 3, STEPS), rate=0.4)


class Around(nn.Module):
    """One layer, told what it said."""

    @nn.compact
    def __call__(self, x, back, *, train=False):
        layer = cuba.Dense({**CUBA, "persistent_state": True}, None, 4, weight_scale=4)
        return layer(jnp.concatenate([x, back], axis=1), train=train)


NETWORKS = {
    "delays": (cuba.Input(), cuba.Dense(CUBA, 3, 6, weight_scale=4, delay=True)),
    "recurrence": (
        cuba.Recurrent(CUBA, 3, 6, weight_scale=4, delay=True),
        cuba.KWTA(CUBA, 6, 6, 2, weight_scale=4),
        cuba.Affine(CUBA, 6, 2),
    ),
    "changes": (
        sigma_delta.Input(cases.fields("sigma_delta")),
        sigma_delta.Dense(cases.fields("sigma_delta"), 3, 6),
        sigma_delta.Output(cases.fields("sigma_delta"), 6, 2),
    ),
    "loop": (cuba.Dense(CUBA, 3, 6, weight_scale=4), Loop(Around())),
}


def ready(name):
    network = Sequential(NETWORKS[name])
    return network, cases.fresh(network, X.shape)


def streamed(step, variables, state, x):
    found = []
    for t in range(x.shape[-1]):
        y, state = step(variables, state, x[..., t])
        found.append(np.asarray(y))
    return np.stack(found, -1), state


@pytest.mark.parametrize("name", NETWORKS)
def test_step_by_step_equals_the_whole(name):
    network, variables = ready(name)
    start, step = stream(network)
    found, _ = streamed(step, variables, start(variables, X[..., 0]), X)
    whole = jax.jit(persistent(network).apply)({**variables, "state": {}}, X)
    np.testing.assert_array_equal(found, whole)
    assert found.any()


def test_the_buffers_of_a_state_are_used_up():
    network, variables = ready("recurrence")
    start, step = stream(network)
    first = start(variables, X[..., 0])
    y, second = step(variables, first, X[..., 0])
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(first))
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves((y, second, variables)))
    with pytest.raises((RuntimeError, ValueError), match=r"deleted|donated"):
        step(variables, first, X[..., 1])


def test_all_steps_are_traced_once():
    traces = []

    class Watched(cuba.Dense):
        def __call__(self, x, *, train=False):
            traces.append(1)
            return super().__call__(x, train=train)

    network = Sequential([Watched(CUBA, 3, 4)])
    variables = jax.jit(network.init)(cases.KEY, X)
    start, step = stream(network)
    state = start(variables, X[..., 0])
    traces.clear()
    streamed(step, variables, state, X)
    assert len(traces) == 1


def test_a_step_runs_inside_a_scan_and_over_many_environments():
    network, variables = ready("recurrence")
    start, step = stream(network)
    state = start(variables, X[..., 0])
    expected, _ = streamed(step, variables, jax.tree.map(jnp.copy, state), X)

    @jax.jit
    def closed(variables, state, x):
        def body(state, x_t):
            y, state = step(variables, state, x_t)
            return state, y

        return jax.lax.scan(body, state, jnp.moveaxis(x, -1, 0))[1]

    np.testing.assert_array_equal(jnp.moveaxis(closed(variables, state, X), 0, -1), expected)

    worlds = jnp.stack([X, X[::-1], 0 * X])
    states = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), state)
    many = jax.jit(jax.vmap(lambda state, x: closed(variables, state, x)))(states, worlds)
    many = jnp.moveaxis(many, 1, -1)
    np.testing.assert_array_equal(many[0], expected)
    np.testing.assert_array_equal(many[1], expected[::-1])
    assert (np.asarray(many[2]) != expected).any()


def test_counts_come_along_where_blocks_count():
    network = Sequential([cuba.Dense(CUBA, 3, 4, weight_scale=4, count_log=True)])
    variables = jax.jit(network.init)(cases.KEY, X)
    start, step = stream(network)
    state = start(variables, X[..., 0])
    for t in range(4):
        (y, (count,)), state = step(variables, state, X[..., t])
        np.testing.assert_allclose(count, np.mean(np.asarray(y) != 0), rtol=1e-6)
    assert y.shape == (2, 4)


def test_a_network_without_any_state_streams_too():
    start, step = stream(Sequential([cuba.Flatten(), cuba.Average(2)]))
    x = jnp.arange(12.0).reshape(1, 3, 2, 2)
    state = start({}, x)
    y, state = step({}, state, x)
    np.testing.assert_array_equal(y, [[2.5, 8.5]])


class Own(nn.Module):
    """A module of one's own, persistent or not."""

    layer: nn.Module

    def __call__(self, x, *, train=False):
        return self.layer(x, train=train)


@pytest.mark.parametrize(
    "layer",
    [
        cuba.Dense(CUBA, 3, 4, weight_scale=4, delay=True),
        cuba.Input(),
        neuron.cuba.Neuron(**{**CUBA, "threshold": 0.25}),
    ],
    ids=["block", "input", "neuron"],
)
def test_the_blocks_of_a_module_of_ones_own_are_made_persistent(layer):
    network = Own(layer)
    variables = jax.jit(network.init)(cases.KEY, X)
    start, step = stream(network)
    found, _ = streamed(step, variables, start(variables, X[..., 0]), X)
    np.testing.assert_array_equal(found, network.apply(variables, X))
    assert np.any(found)


def test_a_module_of_ones_own_streams_sums_and_several_outputs():
    for kind in (own.Sum, own.Heads):
        module, variables, x = own.ready(kind)
        start, step = stream(module)
        state, steps = start(variables, x[..., 0]), []
        for t in range(x.shape[-1]):
            y, state = step(variables, state, x[..., t])
            steps.append(y)
        own.equal(jax.tree.map(lambda *y: jnp.stack(y, -1), *steps), own.sent(kind))


def test_a_module_that_would_forget_is_refused():
    start, step = stream(Own(cuba.TimeDecimation(4)))
    message = "layer is a TimeDecimation of 4 steps, expected none in a stream"
    with pytest.raises(ValueError, match=message):
        start({}, X[..., 0])
    with pytest.raises(ValueError, match=message):
        step({}, {}, X[..., 0])


def test_a_block_that_is_called_twice_in_a_step_has_one_state_only_and_is_refused():
    module, variables, x = own.ready(own.Tied)
    start, step = stream(module)
    message = "tied is called twice, expected one call in a stream, where a block has one state"
    with pytest.raises(ValueError, match=message):
        start(variables, x[..., 0])
    with pytest.raises(ValueError, match=message):
        step(variables, {}, x[..., 0])


def test_persistent_is_the_same_module_once_more_and_keeps_its_class():
    module, _, _ = own.ready(own.Heads)
    kept = block.persistent(module)
    assert isinstance(kept, own.Heads) and block.persistent(kept) is kept
    assert kept == block.persistent(own.Heads()) and hash(kept) == hash(block.persistent(module))


def test_a_persistent_module_of_ones_own_is_taken():
    network = Own(cuba.Dense({**CUBA, "persistent_state": True}, 3, 4, weight_scale=4))
    variables = jax.jit(network.init)(cases.KEY, X)
    start, step = stream(network)
    found, _ = streamed(step, variables, start(variables, X[..., 0]), X)
    np.testing.assert_array_equal(found, network.apply({"params": variables["params"]}, X))


def test_a_state_of_another_batch_is_refused():
    network, variables = ready("delays")
    start, step = stream(network)
    state = start(variables, X[..., 0])
    with pytest.raises(ValueError, match=r"`state` holds .* for this batch"):
        step(variables, state, X[:1, :, 0])
