"""Blocks that keep only the events that come in: the same numbers, and little memory."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block
from jslayer.block import Sequential, cuba, replay
from jslayer.persistence import LINK
from tests.block import cases
from tests.neuron import cases as neurons

IMAGE = (2, 2, 6, 6, 11)
LEARNED = {"requires_grad": True}
KEPT = {"persistent_state": True}
X = cases.events(IMAGE, rate=0.5)


def network(family, policy, **changes):
    """Two layers, of which the second reads the spikes of the first as bits."""
    home = getattr(block, family)
    neuron = cases.fields(family, policy=policy, **LEARNED, **changes)
    return Sequential(
        [
            home.Dense(neuron, 3, 5, weight_scale=3, delay=True, count_log=True),
            home.Dense(neuron, 5, 4, weight_scale=3, count_log=True),
        ]
    )


def all_kinds(policy, **changes):
    """Blocks of all kinds in a row."""
    neuron = cases.fields("cuba", policy=policy, **LEARNED, **changes)
    return Sequential(
        [
            cuba.Input(neuron, weight=1.0),
            cuba.Conv(neuron, 2, 3, 3, padding=1, weight_scale=3, delay=True, count_log=True),
            cuba.Pool(neuron, 2, weight_scale=2),
            cuba.Flatten(count_log=True),
            cuba.Dense(neuron, 27, 6, weight_scale=3, weight_norm=True, delay=True),
            cuba.Recurrent(neuron, 6, 5, weight_scale=3),
            cuba.Affine(neuron, 5, 2),
        ]
    )


def result(net, variables, x, mutable=("state", "intermediates"), train=False):
    """Value, gradients, rates and state of a call."""
    held = {name: tree for name, tree in variables.items() if name != "params"}

    def objective(params, x):
        found, seen = net.apply(
            {**held, "params": params},
            x,
            train=train,
            mutable=list(mutable),
            rngs={"dropout": cases.KEY},
        )
        y, rates = found if isinstance(found, tuple) else (found, [])
        return jnp.sum(y**2) + sum(r for r in rates if r is not None), (y, seen)

    run = jax.value_and_grad(objective, argnums=(0, 1), has_aux=True)
    return jax.jit(run)(variables["params"], x)


def close(found, expected):
    size = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * size)


def same(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize("family", cases.FAMILIES)
def test_value_gradient_state_and_rates_are_those_of_a_plain_call(family):
    changes = KEPT if family in ("alif", "rf") else {}
    save, replayed = (network(family, policy, **changes) for policy in ("save", "save_spikes"))
    variables = cases.fresh(save, cases.FLAT)
    x = cases.events(cases.FLAT)
    expected = result(save, variables, x)
    assert np.any(expected[0][1][0])
    assert all(np.any(leaf) for leaf in jax.tree.leaves(expected[1][0]["blocks_0"]["synapse"]))
    same(result(replayed, variables, x), expected)


@pytest.mark.parametrize("changes", [KEPT, {"graded_spike": True}], ids=str)
def test_of_all_kinds_of_blocks(changes):
    save, replayed = (all_kinds(policy, **changes) for policy in ("save", "save_spikes"))
    variables = cases.fresh(save, IMAGE)
    expected = result(save, variables, X)
    assert np.any(expected[1][0]["blocks_1"]["delay_line"]["delay"])
    same(result(replayed, variables, X), expected)


def test_the_second_of_two_linked_calls_reaches_the_first():
    x = cases.events(cases.FLAT)

    def gradient(policy):
        net = network("cuba", policy, **KEPT)
        variables = cases.fresh(net, cases.FLAT)
        held = {n: tree for n, tree in variables.items() if n not in ("params", "state")}

        def objective(params):
            given = {**held, "params": params}
            _, kept = net.apply(given, x[..., :5], mutable=["state", LINK])
            (y, _), _ = net.apply({**given, **kept}, x[..., 5:], mutable=["state", LINK])
            return jnp.sum(y**2)

        return jax.jit(jax.grad(objective))(variables["params"])

    jax.tree.map(close, gradient("save_spikes"), gradient("save"))


def test_what_is_dropped_is_dropped_again(monkeypatch):
    net = network("cuba", "save_spikes", dropout=0.3)
    variables = cases.fresh(net, cases.FLAT)
    x = cases.events(cases.FLAT)
    found = result(net, variables, x, train=True)
    assert not np.array_equal(found[0][1][0], result(net, variables, x)[0][1][0])
    # the same call with the residuals of every step
    monkeypatch.setattr(replay, "_replayed", lambda call, steps: call)
    same(found, result(net, variables, x, train=True))


def test_a_block_alone_keeps_its_input_as_it_is():
    plain = cases.make("cuba", "Dense", LEARNED)
    replayed = cases.make("cuba", "Dense", {**LEARNED, "policy": "save_spikes"})
    x = cases.events(cases.FLAT)
    variables = cases.fresh(plain, cases.FLAT)
    same(result(replayed, variables, x), result(plain, variables, x))
    booleans = x != 0
    params = lambda layer: jax.grad(
        lambda p: jnp.sum(layer.apply({**variables, "params": p}, booleans))
    )(variables["params"])
    same(params(replayed), params(plain))


def test_a_neuron_alone_computes_its_steps_again():
    x = neurons.drive("cuba", (2, 3, 20))
    gradient = lambda policy: jax.jit(
        jax.grad(lambda x: jnp.sum(neurons.make("cuba", policy=policy).apply({}, x) ** 2))
    )(x)
    same(gradient("save_spikes"), gradient("recompute"))


def test_under_vmap():
    plain, net = (network("cuba", policy) for policy in ("save", "save_spikes"))
    variables = cases.fresh(plain, cases.FLAT)
    x = cases.events(cases.FLAT, rate=0.5)

    def gradient(apply, x):
        run = lambda p: apply({**variables, "params": p}, x)
        return jax.grad(lambda p: jnp.sum(jnp.square(jax.tree.leaves(run(p))[0])))(
            variables["params"]
        )

    many = jnp.stack([x, 2 - x])
    over = lambda net: jax.jit(jax.vmap(functools.partial(gradient, net.apply)))(many)
    jax.tree.map(close, over(net), over(plain))


def test_who_sends_zeros_and_ones():
    neuron = cases.fields("cuba")
    graded = {**neuron, "graded_spike": True}
    for incoming in (False, True):
        assert cuba.Dense(neuron, 3, 2).binary(incoming)
        assert cuba.Recurrent(neuron, 3, 2).binary(incoming)
        assert cuba.Input(neuron).binary(incoming)
        assert cuba.Flatten().binary(incoming) == incoming
        assert cuba.Input().binary(incoming) == incoming
        for block_ in (
            cuba.Dense(graded, 3, 2),
            cuba.Affine(neuron, 3, 2),
            cuba.Affine(neuron, 3, 2, dynamics=False),
            cuba.Output(neuron, 3, 2),
            cuba.Average(2),
            cuba.TimeDecimation(2),
            cases.make("sigma_delta", "Dense"),
            cases.make("custom", "Dense"),
        ):
            assert not block_.binary(incoming)


def test_a_deep_network_takes_a_third_of_the_memory_or_less():
    x = jax.ShapeDtypeStruct((4, 64, 128), jnp.float32)

    def temporary(policy):
        neuron = cases.fields("cuba", policy=policy, **LEARNED)
        net = Sequential([cuba.Dense(neuron, 64, 64) for _ in range(8)])
        variables = jax.eval_shape(net.init, jax.random.key(0), x)
        objective = lambda params, x: jnp.sum(net.apply({"params": params}, x))
        compiled = jax.jit(jax.grad(objective)).lower(variables["params"], x).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary("save_spikes") < temporary("save") / 3


def test_an_unknown_policy_is_refused():
    with pytest.raises(
        ValueError, match="`policy` is 'all', expected one of 'save', 'save_spikes'"
    ):
        cuba.Dense(cases.fields("cuba", policy="all"), 3, 2).init(cases.KEY, jnp.ones((1, 3, 4)))
