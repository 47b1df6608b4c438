"""Connections and synaptic operations against brute force, one connection at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.synapse import Conv, Dense, complex, connections, fan_out, operations
from tests.synapse import cases, reference

MASK = np.random.default_rng(0).integers(0, 2, (6, 2, 3, 3))


def ways(layer, x):
    """Sum of outputs for weights of one, by the loops."""
    ones = np.ones(layer.weight_shape(x.shape[1]))
    ones = ones if layer.mask is None else ones * layer.mask.over(ones.shape)
    if layer.kind == "dense":
        spatial = x.reshape(*x.shape[:2], -1, x.shape[-1])
        per_input = ones.reshape(ones.shape[0], x.shape[1], -1).sum(0)
        return np.sum(per_input[None, :, :, None] * spatial)
    names = ("stride", "padding", "dilation", "groups")
    options = {name: getattr(layer, name) for name in names if hasattr(layer, name)}
    loops = {
        "conv": reference.conv,
        "convT": reference.conv_transpose,
        "pool": reference.pool,
        "unpool": reference.unpool,
    }
    return np.sum(loops[layer.kind](x, ones, **options))


@pytest.mark.parametrize("name", cases.LAYERS)
def test_every_event_counts_its_ways_out(name):
    layer, shape = cases.LAYERS[name]
    x = cases.whole(shape, 3, -1, 2)  # graded events of either sign
    found = operations(layer, jnp.asarray(x))
    assert isinstance(found, int) and found == ways(layer, (x != 0).astype(float))
    assert found == operations(layer, jnp.asarray(x != 0))
    one_step = np.ones((1, *shape[1:-1], 1))
    assert connections(layer, shape[1:-1]) == ways(layer, one_step)
    assert fan_out(layer, shape[1:-1]).shape == shape[1:-1]


def test_masked_connections_do_not_count():
    layer = cases.LAYERS["conv"][0].clone(mask=MASK)
    x = cases.whole(cases.IMAGE, 3, 0, 2)
    assert operations(layer, jnp.asarray(x)) == ways(layer, x)
    assert connections(Dense(4, 2, mask=[[1, 0, 1, 1], [0, 0, 0, 1]]), (4,)) == 4


def test_a_complex_synapse_counts_both_weights():
    assert connections(complex.Dense(4, 3), (4,)) == 24
    assert operations(complex.Dense(4, 3), jnp.ones((2, 4, 5))) == 2 * 2 * 4 * 5 * 3


def test_undeclared_channels_are_those_of_the_input():
    assert connections(Conv(None, 2, 1), (3, 4, 5)) == 3 * 2 * 4 * 5
    assert connections(Dense(None, 7), (3,)) == 21


def test_counts_beyond_the_whole_numbers_of_float32_are_exact():
    x = jnp.ones((1, 5001, 7))
    assert operations(Dense(5001, 5001), x) == 5001 * 5001 * 7 > 2**24


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"`x` has shape .* with 3 along axis 1, expected 4"):
        operations(Dense(4, 2), jnp.ones((1, 3, 2)))
    with pytest.raises(TypeError, match=r"`x` is traced, expected .*count outside of `jit`"):
        jax.jit(lambda x: operations(Dense(4, 2), x))(jnp.ones((1, 4, 2)))
    with pytest.raises(TypeError, match=r"`input_shape` is 2\.5, expected a whole number"):
        connections(Dense(4, 2), (2.5,))


def test_ways_out_are_known_inside_a_compiled_function():
    layer = Dense(4, 3)
    ways = lambda: fan_out(layer, (4,)).astype(np.float32)
    rate = jax.jit(lambda x: jnp.sum(jnp.mean(x, axis=(0, -1)) * ways()))
    assert rate(jnp.ones((2, 4, 5))) == 12
