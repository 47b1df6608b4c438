"""Pooling and unpooling against loops, on whole numbers: everything is equal."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.ops.quantize import quantize_8bit
from jslayer.synapse import Pool, Unpool
from tests.synapse import cases, reference

GEOMETRIES = [
    {"kernel_size": 2},
    {"kernel_size": (1, 4)},
    {"kernel_size": 3},
    {"kernel_size": (3, 2), "stride": (1, 2)},
    {"kernel_size": 2, "stride": 3, "padding": 1},
    {"kernel_size": 3, "stride": 1, "padding": (1, 0)},
    {"kernel_size": 2, "stride": 1, "dilation": (2, 1)},
    {"kernel_size": 2, "stride": (2, 3), "padding": 1, "dilation": (1, 3)},
]
SIDES = {Pool: reference.pool, Unpool: reference.unpool}


@pytest.mark.parametrize("kind", SIDES)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_values_and_gradients_are_those_of_the_loops(kind, geometry):
    layer = kind(**geometry, weight_scale=3)
    options = {k: v for k, v in geometry.items() if k != "kernel_size"}
    loops = lambda x: SIDES[kind](x, np.full(layer.weight_shape(), 3.0), **options)
    x = cases.whole(cases.IMAGE, 0)
    y = loops(x)
    np.testing.assert_array_equal(cases.apply(layer, {}, x), y)
    cotangent = cases.whole(y.shape, 1)
    params_bar, x_bar = cases.pull(layer, {}, x, cotangent)
    assert params_bar == {}
    for seed in range(3):
        dx = cases.whole(x.shape, 10 + seed)
        assert np.sum(np.float64(x_bar) * dx) == np.sum(cotangent * loops(dx))


@pytest.mark.parametrize("kind", SIDES)
@pytest.mark.parametrize("geometry", [GEOMETRIES[0], GEOMETRIES[2], GEOMETRIES[7]], ids=str)
def test_a_learned_weight_has_the_gradient_of_the_loops(kind, geometry):
    layer = kind(**geometry, weight_norm=True)
    options = {k: v for k, v in geometry.items() if k != "kernel_size"}
    loops = lambda x, w: SIDES[kind](x, w, **options)
    x, direction = cases.whole(cases.IMAGE, 0), cases.whole(layer.weight_shape(), 1, 1, 5)
    length = np.linalg.norm(direction)
    params = {"weight_v": direction, "weight_g": np.full((1, 1, 1, 1), length)}
    y = loops(x, direction)
    np.testing.assert_allclose(cases.apply(layer, params, x), y, rtol=1e-5, atol=1e-4)
    cotangent = cases.whole(y.shape, 2)
    params_bar, _ = cases.pull(layer, params, x, cotangent)
    basis = np.eye(direction.size).reshape(-1, *direction.shape)
    slope = np.array([np.sum(cotangent * loops(x, one)) for one in basis])
    flat = direction.ravel() / length
    bound = 1e-5 * np.abs(slope).max()
    np.testing.assert_allclose(params_bar["weight_g"].item(), slope @ flat, atol=bound)
    expected = slope - flat * (slope @ flat)
    np.testing.assert_allclose(params_bar["weight_v"].ravel(), expected, atol=bound)


@pytest.mark.parametrize("kind", SIDES)
def test_nothing_is_stored_unless_the_weight_is_learned(kind):
    x = jnp.ones(cases.IMAGE)
    assert cases.shapes(kind(2), x) == {}
    learned = kind(2, weight_norm=True, weight_scale=0.5).init(jax.random.key(0), x)
    assert jax.tree.map(jnp.shape, learned) == {
        "params": {"weight_v": (1, 1, 2, 2), "weight_g": (1, 1, 1, 1)}
    }
    np.testing.assert_array_equal(learned["params"]["weight_v"], 0.5)
    np.testing.assert_allclose(learned["params"]["weight_g"], 1.0)


@pytest.mark.parametrize("kind", SIDES)
def test_the_fixed_weight_passes_the_hook(kind):
    layer = kind(2, weight_scale=0.803, pre_hook_fx=quantize_8bit)
    np.testing.assert_array_equal(layer.weight_in_use({}), np.full((1, 1, 2, 2), 52 / 64))
    x = cases.whole(cases.IMAGE, 0)
    plain = cases.apply(layer.clone(weight_scale=1, pre_hook_fx=None), {}, x)
    np.testing.assert_array_equal(cases.apply(layer, {}, x), plain * (52 / 64))


@pytest.mark.parametrize("kind", SIDES)
def test_gradients_of_gradients_exist(kind):
    layer, x = kind(2), jnp.asarray(cases.whole(cases.IMAGE, 0))
    energy = lambda x: jnp.sum(layer.apply({}, x) ** 2) / 2
    slope = jax.grad(energy)
    along = jax.jit(jax.grad(lambda x: jnp.sum(slope(x) ** 2) / 2))(x)
    np.testing.assert_array_equal(along, jax.jit(lambda x: slope(slope(x)))(x))
