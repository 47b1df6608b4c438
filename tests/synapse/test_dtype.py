"""Products in a shorter type: exact where spikes and weights are short numbers anyway."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block, synapse
from jslayer.ops.quantize import quantize
from tests.synapse import cases

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
    x = jnp.asarray(np.random.default_rng(0).random(shape) < 0.3, jnp.float32)
    params = jax.tree.map(
        lambda weight: jnp.asarray(9 * np.asarray(weight)), cases.parameters(layer)
    )
    return layer, {"params": params}, x


@pytest.mark.parametrize("home", [synapse, synapse.complex])
@pytest.mark.parametrize("kind", KINDS)
def test_short_factors_are_exact_for_spikes_and_weights_on_the_grid(kind, home):
    layer, variables, x = made(kind, home)
    short = layer.clone(dtype=jnp.bfloat16)
    rng = np.random.default_rng(2)
    draw = lambda part: rng.normal(size=part.shape).astype(np.float32)
    bar = jax.tree.map(draw, jax.eval_shape(layer.apply, variables, x))

    def run(layer):
        def pulled(variables, x, bar):
            y, pullback = jax.vjp(layer.apply, variables, x)
            return y, pullback(bar)

        return jax.jit(pulled)(variables, x, bar)

    (y, bars), (expected, expected_bars) = run(short), run(layer)
    for one, other in zip(jax.tree.leaves(y), jax.tree.leaves(expected), strict=True):
        assert one.dtype == jnp.float32
        np.testing.assert_array_equal(one, other)
    for one, other in zip(jax.tree.leaves(bars), jax.tree.leaves(expected_bars), strict=True):
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
    variables = jax.jit(network(None).init)(jax.random.key(1), x)
    expected = jax.jit(network(None).apply)(variables, x)
    assert np.asarray(expected).any()
    np.testing.assert_array_equal(jax.jit(network(jnp.bfloat16).apply)(variables, x), expected)
