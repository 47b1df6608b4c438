"""Weights worked out once: the same spikes, from lighter variables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block
from tests.block import cases, own

X = jnp.asarray(np.random.default_rng(0).random((2, 3, 6, 6, 24)) < 0.4, jnp.float32)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(
    "name", ["cuba", "rf_iz", pytest.param("sigma_delta", marks=pytest.mark.slow)]
)
def test_a_folded_network_gives_the_same_spikes(name, norm):
    family, neuron = getattr(block, name), cases.FIELDS[name]
    options = {"weight_scale": 5, "weight_norm": norm}
    network = block.Sequential(
        [
            family.Conv(neuron, None, 4, 3, **options),
            family.Pool(neuron, 2),
            family.Flatten(),
            family.Dense(neuron, None, 6, delay=True, **options),
            family.Recurrent(neuron, None, 5, **options),
            family.KWTA(neuron, None, 4, 2, **options),
            family.Output(neuron, None, 2, **options),
        ]
    )
    variables = jax.jit(network.init)(cases.KEY, X)
    light, weights = block.folded(network, variables)
    expected = jax.jit(network.apply)(variables, X)
    np.testing.assert_array_equal(jax.jit(light.apply)(weights, X), expected)
    assert np.asarray(expected).any()
    names = {path[-1].key for path, _ in jax.tree_util.tree_leaves_with_path(weights["params"])}
    assert "weight_v" not in names


def test_a_module_of_ones_own_is_folded_at_the_blocks_that_it_calls():
    module, variables, x = own.ready(own.Tied)
    light, weights = block.folded(module, variables, jax.ShapeDtypeStruct(x.shape, x.dtype))
    own.equal(jax.jit(light.apply)(weights, x), own.sent(own.Tied))
    assert "weight_v" not in weights["params"]["tied"]["synapse"]
    assert "weight_v" in variables["params"]["tied"]["synapse"]
    with pytest.raises(ValueError, match="`sample` is None, expected data as Tied takes them"):
        block.folded(module, variables)


def test_rows_inside_of_a_row_are_folded_too():
    layer = lambda: block.cuba.Dense(cases.FIELDS["cuba"], 3, 3, weight_scale=5, weight_norm=True)
    network = block.Sequential([layer(), block.Sequential([layer()])])
    x = X[:, :, 0, 0]
    variables = jax.jit(network.init)(cases.KEY, x)
    light, weights = block.folded(network, variables)
    np.testing.assert_array_equal(light.apply(weights, x), network.apply(variables, x))
    inside = weights["params"]["blocks_1"]["blocks_0"]["synapse"]
    assert set(inside) == {"weight"}


def test_what_is_no_row_of_blocks_is_refused():
    layer = block.cuba.Dense(cases.FIELDS["cuba"], 3, 2)
    with pytest.raises(TypeError, match="`network` is a Dense, expected a Sequential of blocks"):
        block.folded(layer, {})
