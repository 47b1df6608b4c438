"""Rewritten steps keep their values, and hold nothing that a GPU backend does not know."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.ops.engines.rewrite import CALLS, REWRITES, rewritten

SMALL = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 0.49999997, -7.25, 3.0, 2.0**22 + 0.5]
LARGE = [8388607.5, 2.0**23 + 1, -(2.0**23) - 1, 2.0**31, -3e9, 1e30, np.inf, -np.inf, np.nan]
X = jnp.asarray([*SMALL, *LARGE], jnp.float32)


@jax.custom_vjp
def doubled(x):
    return 2 * x


doubled.defvjp(lambda x: (2 * x, None), lambda _, bar: (2 * bar,))

FUNCTIONS = {
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "round": jnp.round,
    "trunc": jnp.trunc,
    "isfinite": jnp.isfinite,
    "not": lambda x: ~(x > 1),
    "not of integers": lambda x: ~jnp.where(jnp.abs(x) < 100, x, 0.0).astype(jnp.int32),
    "power": lambda x: x**-2 + x**3,
    "copy": jnp.copy,
    "stop gradient": lambda x: jax.lax.stop_gradient(x) * x,
    "relu": jax.nn.relu,
    "own gradient": doubled,
    "nested calls": jax.jit(lambda x: jax.jit(jnp.floor)(jax.nn.relu(x))),
    "pullback": lambda x: jax.vjp(lambda v: v * jnp.abs(v) + v, x)[1](x)[0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_stay_the_same(name):
    function = FUNCTIONS[name]
    np.testing.assert_array_equal(rewritten(function)(X), function(X))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_that_is_rewritten_is_left(name):
    left = set()
    for equation in jax.make_jaxpr(rewritten(FUNCTIONS[name]))(X).eqns:
        of = equation.invars[0].aval.dtype
        kept = equation.primitive.name == "not" and of != jnp.bool_
        kept |= equation.primitive.name == "integer_pow" and equation.params["y"] > 0
        left |= set() if kept else {equation.primitive.name}
    assert not left & {*CALLS, *REWRITES}


def test_nests_go_in_and_out():
    step = lambda a, b: ({"sum": a["x"] + b[0]}, (b[1],))
    found = rewritten(step)({"x": X}, (X, 2 * X))
    np.testing.assert_array_equal(found[0]["sum"], 2 * X)
    np.testing.assert_array_equal(found[1][0], 2 * X)


def test_rounding_away_from_zero_is_left_alone():
    away = lambda x: jax.lax.round(x, jax.lax.RoundingMethod.AWAY_FROM_ZERO)
    np.testing.assert_array_equal(rewritten(away)(X), away(X))


def test_what_lays_an_array_out_over_a_mesh_is_left_out():
    mesh = jax.make_mesh((1,), ("batch",), axis_types=(jax.sharding.AxisType.Explicit,))
    placed = lambda x: jax.sharding.reshard(x, jax.P("batch")) + 1
    with jax.set_mesh(mesh):
        row = jax.device_put(X, jax.NamedSharding(mesh, jax.P()))
        assert "reshard" in str(jax.make_jaxpr(placed)(row))
        assert "reshard" not in str(jax.make_jaxpr(rewritten(placed))(row))
