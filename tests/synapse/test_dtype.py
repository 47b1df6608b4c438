"""Products in a shorter type: exact where spikes and weights are short numbers anyway."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block, synapse
from jslayer.ops.quantize import quantize

KINDS = {
    "Dense": ((6, 4), (2, 6, 20)),
    "Conv": ((6, 4, 3), (2, 6, 5, 5, 8)),
    "ConvTranspose": ((6, 4, 3), (2, 6, 5, 5, 8)),
}


def to_grid(weight):
    """The 8-bit grid of weights."""
    return jnp.clip(quantize(weight, 2 / 64), -4, 4 - 2 / 64)


def made(kind, home=synapse, **options):
    arguments, shape = KINDS[kind]
    layer = getattr(home, kind)(*arguments, weight_scale=9, pre_hook_fx=to_grid, **options)
    x = jax.random.bernoulli(jax.random.key(0), 0.3, shape).astype(jnp.float32)
    return layer, layer.init(jax.random.key(1), x), x


@pytest.mark.parametrize("home", [synapse, synapse.complex])
@pytest.mark.parametrize("kind", KINDS)
def test_short_factors_are_exact_for_spikes_and_weights_on_the_grid(kind, home):
    layer, variables, x = made(kind, home)
    short = layer.clone(dtype=jnp.bfloat16)
    run = lambda layer: jax.vjp(lambda v, x: layer.apply(v, x), variables, x)
    (y, pullback), (expected, pullback_expected) = run(short), run(layer)
    bar = jax.tree.map(lambda part: jax.random.normal(jax.random.key(2), part.shape), y)
    for one, other in zip(jax.tree.leaves(y), jax.tree.leaves(expected), strict=True):
        assert one.dtype == jnp.float32
        np.testing.assert_array_equal(one, other)
    gradients = zip(
        jax.tree.leaves(pullback(bar)), jax.tree.leaves(pullback_expected(bar)), strict=True
    )
    for one, other in gradients:
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_the_product_is_computed_in_that_type():
    layer, variables, x = made("Dense")
    text = jax.jit(layer.clone(dtype=jnp.bfloat16).apply).lower(variables, x).as_text()
    assert "bf16" in text
    assert "bf16" not in jax.jit(layer.apply).lower(variables, x).as_text()
    third = x / 3  # no short number
    short = layer.clone(dtype=jnp.bfloat16).apply(variables, third)
    assert (short != layer.apply(variables, third)).any()


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.int8])
def test_another_type_is_refused(dtype):
    layer, variables, x = made("Dense")
    with pytest.raises(ValueError, match=r"`dtype` is .*, expected"):
        layer.clone(dtype=dtype).apply(variables, x)


@pytest.mark.parametrize("events", [False, True])
def test_a_network_of_blocks_gives_the_same_spikes(events):
    neuron = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03}
    b = block.cuba

    def network(dtype):
        return block.Sequential(
            [
                b.Conv(neuron, 2, 4, 3, weight_scale=4, dtype=dtype),
                b.Flatten(),
                b.Dense(neuron, None, 8, weight_scale=4, weight_norm=True, dtype=dtype),
                b.Recurrent(neuron, 8, 6, weight_scale=4, dtype=dtype),
                b.KWTA(neuron, 6, 6, 2, weight_scale=4, dtype=dtype),
                b.Affine(neuron, 6, 2, weight_scale=4, dtype=dtype),
            ]
        )

    x = jax.random.bernoulli(jax.random.key(0), 0.4, (2, 2, 5, 5, 30))
    x = x if events else x.astype(jnp.float32)
    variables = network(None).init(jax.random.key(1), x)
    expected = network(None).apply(variables, x)
    assert np.asarray(expected).any()
    np.testing.assert_array_equal(network(jnp.bfloat16).apply(variables, x), expected)
