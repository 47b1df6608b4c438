"""The sigma decoder as a module."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jslayer.dendrite import Sigma

STEPS = 8
SHAPE = (2, 3, 2, STEPS)
RUN = jax.jit(functools.partial(Sigma(persistent_state=True).apply, mutable=["state"]))


def signal(seed=0):
    """Numbers whose sums are not exact, so that their order counts."""
    return np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)


def test_it_is_the_running_sum_in_order():
    x = signal()
    found, total = np.asarray(jax.jit(Sigma().apply)({}, x)), np.zeros(SHAPE[:-1], np.float32)
    for t in range(STEPS):
        total = total + x[..., t]
        np.testing.assert_array_equal(found[..., t], total)


@settings(max_examples=10)
@given(cuts=st.sets(st.integers(1, STEPS - 1), max_size=3), seed=st.integers(0, 2**16))
@example(cuts={4}, seed=0)
def test_parts_equal_the_whole(cuts, seed):
    x = signal(seed)
    variables = Sigma(persistent_state=True).init(jax.random.key(0), x)
    whole, last = RUN(variables, x)
    parts, state = [], variables
    for piece in np.split(x, sorted(cuts), axis=-1):
        y, state = RUN(state, piece)
        parts.append(y)
    np.testing.assert_array_equal(np.concatenate(parts, -1), whole)
    jax.tree.map(np.testing.assert_array_equal, state, last)


def test_a_sum_that_is_not_told_to_go_on_starts_afresh():
    x = jnp.ones((1, 1, 3))
    variables = Sigma().init(jax.random.key(0), x)
    assert not variables.get("state")
    np.testing.assert_array_equal(Sigma().apply(variables, x)[0, 0], [1, 2, 3])


def test_the_gradient_sums_backward():
    x, cotangent = jnp.asarray(signal()), jnp.asarray(signal(1))
    (found,) = jax.vjp(lambda x: Sigma().apply({}, x), x)[1](cotangent)
    (expected,) = jax.vjp(lambda x: jnp.cumsum(x, axis=-1), x)[1](cotangent)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
