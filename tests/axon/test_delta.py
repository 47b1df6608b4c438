"""The delta encoder as a module, and the sigma decoder behind it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jslayer.axon import Delta
from jslayer.dendrite import Sigma

STEPS = 8
SHAPE = (2, 3, STEPS)


def signal(shape=SHAPE, seed=0):
    """A random walk in steps of 1 / 64."""
    steps = np.random.default_rng(seed).normal(0, 0.3, shape)
    return jnp.asarray(np.round(np.cumsum(steps, -1) * 64) / 64, jnp.float32)


@functools.cache
def persistent(cum_error):
    layer = Delta(0.5, cum_error=cum_error, persistent_state=True)
    return jax.jit(functools.partial(layer.apply, mutable=["state"])), layer.init(
        jax.random.key(0), signal()
    )


@pytest.mark.parametrize("cum_error", [False, True])
@settings(max_examples=8)
@given(cuts=st.sets(st.integers(1, STEPS - 1), max_size=3), seed=st.integers(0, 2**16))
@example(cuts={4}, seed=0)
def test_parts_equal_the_whole(cum_error, cuts, seed):
    run, variables = persistent(cum_error)
    x = signal(seed=seed)
    whole, last = run(variables, x)
    parts, state = [], {}
    for piece in np.split(np.asarray(x), sorted(cuts), axis=-1):
        y, state = run({**variables, **state}, piece)
        parts.append(y)
    np.testing.assert_array_equal(np.concatenate(parts, -1), whole)
    jax.tree.map(np.testing.assert_array_equal, state, last)


def by_hand(x, threshold):
    """Plain Python, one number after the other."""
    previous = residual = 0.0
    sent = []
    for value in x.tolist():
        change = value - previous + residual
        out = change if abs(change) >= threshold else 0.0
        previous, residual = value, change - out
        sent.append(out)
    return sent


@pytest.mark.parametrize("shared", [True, False, "neuron"])
def test_every_threshold_meets_its_own_neuron(shared):
    x = signal((2, 3, 2, STEPS))
    layer = Delta(0.5, shared_param=shared, requires_grad=True)
    shape = jax.eval_shape(layer.init, jax.random.key(0), x)["params"]["threshold"].shape
    assert shape == {True: (), False: (3,), "neuron": (3, 2)}[shared]
    threshold = np.random.default_rng(1).uniform(0.2, 0.8, shape).astype(np.float32)
    y = np.asarray(jax.jit(layer.apply)({"params": {"threshold": jnp.asarray(threshold)}}, x))
    each = np.broadcast_to(threshold.reshape(*shape, *(1,) * (2 - len(shape))), (3, 2))
    for n, c, i in np.ndindex(2, 3, 2):
        np.testing.assert_array_equal(y[n, c, i], by_hand(np.asarray(x)[n, c, i], each[c, i]))


@pytest.mark.parametrize("threshold", [0.1, 0.5, 1.5])
def test_the_sum_of_the_changes_follows_the_signal_within_a_threshold(threshold):
    x = signal((2, 3, 200))
    changes = jax.jit(Delta(threshold).apply)({}, x)
    found = np.asarray(jax.jit(Sigma().apply)({}, changes))
    assert np.abs(found - x).max() < threshold
    assert 0 < np.mean(np.asarray(changes) != 0) < 1


def test_a_still_signal_is_sent_once():
    y = Delta(0.25).apply({}, jnp.full((1, 1, 6), 0.75))
    np.testing.assert_array_equal(y[0, 0], [0.75, 0, 0, 0, 0, 0])


def test_the_gradient_takes_the_output_for_the_change_itself():
    x, cotangent = signal(), signal(seed=1)
    encode = lambda x: Delta(0.5).apply({}, x)
    (found,) = jax.vjp(encode, x)[1](cotangent)
    change = lambda x: jnp.diff(x, axis=-1, prepend=0.0)
    (expected,) = jax.vjp(change, x)[1](cotangent)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_a_threshold_learns():
    layer, x = Delta(0.5, requires_grad=True, shared_param=False), signal()
    params = layer.init(jax.random.key(0), x)["params"]
    loss = lambda p: jnp.sum(layer.apply({"params": p}, x) ** 2)
    gradient = jax.jit(jax.grad(loss))(params)["threshold"]
    assert gradient.shape == (3,)
    assert np.isfinite(gradient).all()
    assert gradient.all()
    assert "params" not in Delta(0.5).init(jax.random.key(0), x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": -1.0}, "`threshold` is -1.0, expected numbers"),
        ({"threshold": 0.5, "scale": 0}, "`scale` is 0"),
        ({"threshold": 0.5, "tau_grad": 0}, "`tau_grad` is 0, expected a number above 0"),
        ({"threshold": 0.5, "scale_grad": -1}, "`scale_grad` is -1, expected a number above 0"),
        ({"threshold": 0.5, "shared_param": "all"}, "`shared_param` is 'all'"),
        ({"threshold": 0.5, "implementation": "abacus"}, "`implementation` is 'abacus'"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Delta(**options).init(jax.random.key(0), signal())


@pytest.mark.parametrize("layer", [Delta(0.5), Sigma()], ids=["delta", "sigma"])
def test_bad_input_is_refused(layer):
    x = signal()
    for bad, error, message in (
        (x[0], ValueError, r"`x` has shape \(3, 8\).*expected \[N, C, ..., T\]"),
        (x[..., :0], ValueError, "no time step"),
        (x.astype(jnp.int32), TypeError, "`x` has dtype int32"),
        (x.at[0, 0, 0].set(jnp.nan), ValueError, "`x` holds NaN"),
        (x.astype(jnp.complex64), TypeError, "complex64"),
    ):
        with pytest.raises(error, match=message):
            layer.apply({}, bad)


@pytest.mark.parametrize("layer", [Delta(0.5), Sigma()], ids=["delta", "sigma"])
def test_a_state_of_another_batch_is_refused(layer):
    layer = layer.clone(persistent_state=True)
    variables = layer.init(jax.random.key(0), signal())
    with pytest.raises(ValueError, match=r"`state` holds .* of shape \(2, 3\), expected \(1, 3\)"):
        layer.apply(variables, signal()[:1], mutable=["state"])
