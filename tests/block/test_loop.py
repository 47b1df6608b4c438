"""Feedback around a network: against the unrolled loop, and all that it refuses."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import neuron
from jslayer.block import Loop, Sequential, alif, cuba
from tests.block import cases

STEPS = 10
X = cases.events((2, 3, STEPS), rate=0.4)
CUBA = cases.fields("cuba", persistent_state=True)
ALIF = cases.fields("alif", persistent_state=True)


class Single(nn.Module):
    """One layer, told what it said."""

    fields: tuple = tuple(CUBA.items())
    out: int = 4

    @nn.compact
    def __call__(self, x, back, *, train=False):
        layer = cuba.Dense(dict(self.fields), None, self.out, weight_scale=4, delay_shift=False)
        return layer(jnp.concatenate([x, back], axis=1), train=train)


class Paths(nn.Module):
    """Two feedback paths, a skip path and a delay; what it says is not what it is told."""

    @nn.compact
    def __call__(self, x, back, *, train=False):
        low = jnp.concatenate([x, back["high"]], axis=1)
        low = cuba.Dense(CUBA, None, 5, weight_scale=4, delay=True)(low, train=train)
        high = jnp.concatenate([low, back["low"], x], axis=1)
        high = alif.Dense(ALIF, None, 4, weight_scale=4)(high, train=train)
        y = cuba.Affine(CUBA, None, 2)(high, train=train)
        return y, {"low": low, "high": high}


SHAPES = {"low": (5,), "high": (4,)}


def unrolled(loop, variables, x, first):
    """The same loop in Python: the module's own calls, one step after the other."""
    module = loop.module
    held = {name: tree["module"] for name, tree in variables.items() if name != "state"}
    run = jax.jit(functools.partial(module.apply, mutable=["state"]))
    state = variables["state"]["module"]
    back, found = first, []
    for t in range(x.shape[-1]):
        y, updated = run({**held, "state": state}, x[..., t : t + 1], back)
        y, back = y if isinstance(y, tuple) else (y, y)
        state = updated["state"]
        found.append(y)
    return np.concatenate(found, -1), state, back


ZERO = {
    "single": jnp.zeros((2, 4, 1)),
    "paths": {name: jnp.zeros((2, *shape, 1)) for name, shape in SHAPES.items()},
}
LOOPS = {
    "single": Loop(Single()),
    "single, given": Loop(Single(), feedback=(4,)),
    "paths": Loop(Paths(), feedback=SHAPES),
}


@functools.cache
def ready(name):
    loop = LOOPS[name]
    return loop, cases.fresh(loop, X.shape), jax.jit(functools.partial(loop.apply, mutable="state"))


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_equals_the_unrolled_one(name):
    loop, variables, run = ready(name)
    y, kept = run(variables, X)
    expected, state, back = unrolled(loop, variables, X, ZERO[name.split(",")[0]])
    np.testing.assert_array_equal(y, expected)
    jax.tree.map(np.testing.assert_array_equal, kept["state"]["module"], state)
    jax.tree.map(np.testing.assert_array_equal, kept["state"]["fed_back"], back)
    assert all(np.any(leaf) for leaf in jax.tree.leaves(back))
    assert np.any(y)


@pytest.mark.parametrize("cut", [1, 4, 9])
def test_what_is_fed_back_is_carried_from_call_to_call(cut):
    _, variables, run = ready("paths")
    whole, last = run(variables, X)
    first, state = run(variables, X[..., :cut])
    second, end = run({**variables, **state}, X[..., cut:])
    np.testing.assert_array_equal(np.concatenate([first, second], -1), whole)
    jax.tree.map(np.testing.assert_array_equal, end, last)


def test_without_a_state_a_loop_starts_at_rest_and_keeps_nothing():
    loop, variables, run = ready("paths")
    bare = {name: tree for name, tree in variables.items() if name != "state"}
    np.testing.assert_array_equal(jax.jit(loop.apply)(bare, X), run(variables, X)[0])
    _, kept = run(variables, X)
    resumed = jax.jit(loop.apply)({**variables, **kept}, X)
    np.testing.assert_array_equal(resumed, run({**variables, **kept}, X)[0])


def test_shapes_that_are_found_are_those_that_are_given():
    shapes = lambda loop: jax.tree.map(
        lambda leaf: leaf.shape, jax.eval_shape(loop.init, cases.KEY, X)
    )
    assert shapes(Loop(Single())) == shapes(Loop(Single(), feedback=(4,)))


def test_event_rates_and_traces_are_collected_over_time():
    loop, variables, _ = ready("paths")
    run = jax.jit(lambda v, x: loop.apply(v, x, mutable=["intermediates"]))
    y, seen = run(variables, X)
    low = seen["intermediates"]["module"]["Dense_0"]
    (rate,) = low["event_rate"]
    (voltage,) = low["neuron"]["voltage"]
    assert rate.shape == ()
    assert 0 < rate < 1
    assert voltage.shape == (2, 5, STEPS)
    high = seen["intermediates"]["module"]["Dense_1"]["neuron"]["voltage"][0]
    assert len(np.unique(high)) > STEPS
    np.testing.assert_array_equal(y, jax.jit(loop.apply)(variables, X))


def test_the_same_neurons_are_dropped_in_every_step():
    fields = {**CUBA, "threshold": 0.02, "dropout": 0.5}
    loop = Loop(Single(fields=tuple(fields.items()), out=40))
    variables = cases.fresh(loop, X.shape)
    # with a drive that is always there, only who is dropped is silent
    params = jax.tree.map(jnp.ones_like, variables["params"])
    run = jax.jit(
        lambda key: loop.apply(
            {"params": params}, jnp.ones_like(X), train=True, rngs={"dropout": key}
        )
    )
    y = np.asarray(run(jax.random.key(1)))
    silent = ~y.any(axis=-1)
    assert 0.2 < silent.mean() < 0.8
    assert y[~silent].all()
    assert (np.asarray(run(jax.random.key(2))) != y).any()


def test_gradients_are_those_of_a_recurrent_block():
    fields = {**CUBA, "requires_grad": True}
    loop = Loop(Single(fields=tuple(fields.items())))
    block = cuba.Recurrent(fields, 3, 4, delay_shift=False)
    rng = np.random.default_rng(0)
    grid = lambda shape, size: jnp.asarray(
        np.round(rng.normal(0, size, shape) * 32) / 32, jnp.float32
    )
    into, back, cotangent = grid((4, 3), 1.0), grid((4, 4), 0.5), grid((2, 4, STEPS), 1.0)
    leaks = {"current_decay": jnp.float32(0.3), "voltage_decay": jnp.float32(0.2)}

    def looped(into, back, leaks, x):
        layer = {"synapse": {"weight": jnp.concatenate([into, back], 1)}, "neuron": leaks}
        return loop.apply({"params": {"module": {"Dense_0": layer}}}, x)

    def recurrent(into, back, leaks, x):
        weight = lambda w: {"weight": w}
        params = {"input_synapse": weight(into), "recurrent_synapse": weight(back)}
        return block.apply({"params": {**params, "neuron": leaks}}, x)

    def pulled(function):
        def run(*given):
            y, pullback = jax.vjp(function, *given)
            return y, pullback(cotangent)

        return jax.jit(run)(into, back, leaks, X)

    y, found = pulled(looped)
    expected_y, expected = pulled(recurrent)
    np.testing.assert_array_equal(y, expected_y)
    assert 0.1 < np.mean(y) < 0.9
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max())
    jax.tree.map(close, found, expected)
    assert all(np.any(leaf) for leaf in jax.tree.leaves(expected))


def test_a_loop_stands_in_a_row_with_other_blocks():
    network = Sequential([cuba.Input(CUBA), Loop(Single()), cuba.Affine(CUBA, None, 2)])
    variables = cases.fresh(network, X.shape)
    assert jax.eval_shape(network.apply, variables, X).shape == (2, 2, STEPS)
    assert hash(network) == hash(
        Sequential([cuba.Input(CUBA), Loop(Single()), cuba.Affine(CUBA, None, 2)])
    )


class Forgets(nn.Module):
    """A layer of the given kind, without what a loop needs."""

    layer: nn.Module

    @nn.compact
    def __call__(self, x, back, *, train=False):
        del back
        if isinstance(self.layer, neuron.cuba.Neuron | cuba.Dense | cuba.Input | cuba.Pool):
            return self.layer(x, train=train)
        return self.layer(x)


PLAIN = cases.fields("cuba")
NORMED = {**CUBA, "norm": neuron.MeanOnlyBatchNorm}


@pytest.mark.parametrize(
    "layer",
    [cuba.Dense(PLAIN, 3, 3, weight_scale=4), cuba.Input(), neuron.cuba.Neuron(**PLAIN)],
    ids=["block", "input", "neuron"],
)
def test_what_would_forget_from_step_to_step_is_made_persistent(layer):
    loop = Loop(Forgets(layer), feedback=(3,))
    variables = jax.jit(loop.init)(cases.KEY, X)
    held = {name: tree["module"] for name, tree in variables.items() if "module" in tree}
    held = {name: tree["layer"] for name, tree in held.items() if name != "state"}
    found, expected = loop.apply(variables, X), layer.apply(held, X)
    np.testing.assert_array_equal(found, expected)
    assert np.any(expected)


def test_a_decimation_is_refused():
    with pytest.raises(ValueError, match="TimeDecimation of 2 steps, expected none in a Loop"):
        Loop(Forgets(cuba.TimeDecimation(2)), feedback=(3,)).init(cases.KEY, X)


def test_a_norm_is_refused_while_training_only():
    loop = Loop(Forgets(cuba.Dense(NORMED, 3, 3)), feedback=(3,))
    variables = jax.jit(loop.init)(cases.KEY, X)
    jax.eval_shape(loop.apply, variables, X)
    with pytest.raises(ValueError, match=r"`norm` of layer/neuron is given.*while training"):
        loop.apply(variables, X, train=True)


class Unsized(nn.Module):
    """Takes a mapping, which cannot be guessed."""

    @nn.compact
    def __call__(self, x, back, *, train=False):
        return x, {"high": back["high"]}


class Growing(nn.Module):
    """What it feeds back never settles."""

    @nn.compact
    def __call__(self, x, back, *, train=False):
        return x, jnp.concatenate([x, back], axis=1)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Unsized(), "`feedback` is None, and the module does not take a feedback of .*Give the sh"),
        (Growing(), "`feedback` is None, and the shape of what is fed back does not settle"),
    ],
)
def test_a_shape_that_cannot_be_found_is_asked_for(module, message):
    with pytest.raises(ValueError, match=message):
        Loop(module).init(cases.KEY, X)


def test_other_bad_input_is_refused():
    loop, variables, run = ready("single")
    with pytest.raises(ValueError, match=r"`x` has shape \(3, 10\).*expected \[N, C, ..., T\]"):
        loop.init(cases.KEY, X[0])
    with pytest.raises(ValueError, match="no time step"):
        run(variables, X[..., :0])
    with pytest.raises(ValueError, match=r"of shape \(2, 4\), expected \(1, 4\)"):
        run(variables, X[:1])
