"""Gradients across calls: linked parts, and loops, have the gradient of the whole."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block
from jslayer.persistence import LINK
from tests.neuron import cases

X = jnp.asarray(np.random.default_rng(0).random((2, 5, 20)) < 0.4, jnp.float32)
COTANGENT = np.random.default_rng(3).normal(size=(2, 4, 20)).astype(np.float32)
KEY = jax.random.key(1, impl="rbg")  # its draws compile sooner
THRESHOLDS = {"threshold_grad": True}


def close(found, expected):
    def one(ours, theirs):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * scale)

    jax.tree.map(one, found, expected)


@pytest.mark.parametrize("kind", ["Dense", "Recurrent"])
@pytest.mark.parametrize("name", cases.NAMES)
def test_linked_parts_have_the_gradient_of_the_whole(name, kind):
    neuron = {**cases.FIELDS[name], "requires_grad": True, "persistent_state": True}
    neuron |= THRESHOLDS if name in cases.ADAPTING else {}
    layer = getattr(getattr(block, name), kind)(neuron, 5, 4, weight_scale=3, delay=True)
    variables = jax.jit(layer.init)(KEY, X)
    params = {
        **variables["params"],
        "delay_line": {"delay": np.array([0.5, 1.5, 2.5, 3.2], np.float32)},
    }

    def whole(params):
        y, _ = layer.apply({"params": params}, X, mutable=["state"])
        return jnp.sum(COTANGENT * y)

    def parts(params):
        kept, found = {}, []
        for piece in (X[..., :7], X[..., 7:8], X[..., 8:]):
            y, kept = layer.apply({"params": params, **kept}, piece, mutable=["state", LINK])
            found.append(y)
        return jnp.sum(COTANGENT * jnp.concatenate(found, -1))

    expected, found = (
        jax.jit(jax.value_and_grad(whole))(params),
        jax.jit(jax.value_and_grad(parts))(params),
    )
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    close(found[1], expected[1])


@pytest.mark.parametrize("name", ["cuba", "alif"])
def test_a_loop_around_one_layer_has_the_gradient_of_the_recurrent_block(name):
    neuron = {**cases.FIELDS[name], "requires_grad": True}
    kept = {**neuron, "persistent_state": True}

    class Layer(nn.Module):
        @nn.compact
        def __call__(self, x, back, *, train=False):
            both = jnp.concatenate([x, back], axis=1)
            dense = getattr(block, name).Dense(
                kept, None, 4, weight_scale=3, delay_shift=False, name="layer"
            )
            return dense(both, train=train)

    loop = block.Loop(Layer(), feedback=(4,))
    variables = jax.jit(loop.init)(KEY, X)
    own = variables["params"]["module"]["layer"]
    recurrent = getattr(block, name).Recurrent(neuron, 5, 4, delay_shift=False)
    weight = own["synapse"]["weight"]
    same = {
        "input_synapse": {"weight": weight[:, :5]},
        "recurrent_synapse": {"weight": weight[:, 5:]},
        "neuron": own["neuron"],
    }
    through = lambda layer, p: jnp.sum(COTANGENT * layer.apply({"params": p}, X))
    value, found = jax.jit(jax.value_and_grad(lambda p: through(loop, p)))(variables["params"])
    wanted, expected = jax.jit(jax.value_and_grad(lambda p: through(recurrent, p)))(same)
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    assert value != 0
    found = found["module"]["layer"]
    close(
        {
            "input_synapse": {"weight": found["synapse"]["weight"][:, :5]},
            "recurrent_synapse": {"weight": found["synapse"]["weight"][:, 5:]},
            "neuron": found["neuron"],
        },
        expected,
    )
