"""Complex synapses: two real ones on the same input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import synapse
from jslayer.ops.quantize import quantize_8bit
from jslayer.synapse import complex
from tests.synapse import cases


def pair_of(layer, **changes):
    """The complex layer with the arguments of ``layer``."""
    fields = [n for n in layer.__dataclass_fields__ if n not in ("parent", "name")]
    given = {name: getattr(layer, name) for name in fields} | changes
    return getattr(complex, type(layer).__name__)(**given)


@pytest.mark.parametrize("name", cases.LAYERS)
@pytest.mark.parametrize("weight_norm", [False, True])
def test_a_complex_synapse_is_two_real_ones(name, weight_norm):
    layer, shape = cases.LAYERS[name]
    layer = layer.clone(weight_norm=weight_norm, pre_hook_fx=quantize_8bit)
    both = pair_of(layer)
    x = jnp.asarray(cases.whole(shape, 0))
    params = cases.parameters(both)
    learned = weight_norm or layer.kind not in ("pool", "unpool")
    assert set(cases.shapes(both, x)) == ({"real", "imag"} if learned else set())
    found, used = cases.apply(both, params, x), both.weight_in_use(params)
    assert both.kind == layer.kind and isinstance(found, tuple)
    for part, y, weight in zip(("real", "imag"), found, used, strict=True):
        own = params.get(part, {})
        np.testing.assert_array_equal(y, cases.apply(layer, own, x))
        np.testing.assert_array_equal(weight, layer.weight_in_use(own))


def test_both_parts_are_drawn_apart():
    params = complex.Dense(4, 3).init(jax.random.key(0), jnp.ones((1, 4, 1)))["params"]
    assert not np.any(params["real"]["weight"] == params["imag"]["weight"])


def test_the_arguments_are_those_of_the_real_synapse_in_its_order():
    for name in ("Dense", "Conv", "ConvTranspose", "Pool", "Unpool"):
        fields = [list(getattr(m, name).__dataclass_fields__) for m in (synapse, complex)]
        assert fields[0] == fields[1]


def test_both_parts_are_masked():
    mask = np.array([[1, 0, 1, 1], [0, 0, 1, 1]])
    layer = complex.Dense(4, 2, mask=mask)
    params = cases.parameters(layer)
    for weight in layer.weight_in_use(params):
        np.testing.assert_array_equal(np.asarray(weight) != 0, mask == 1)


def test_the_gradient_norm_joins_both_parts():
    gradients = {"real": {"weight": jnp.full((2, 2), 3.0)}, "imag": {"weight": 2 * jnp.ones(4)}}
    np.testing.assert_allclose(synapse.grad_norm(gradients), np.hypot(1.5, 1.0), rtol=1e-6)
    assert synapse.grad_norm({}) == 0


def test_a_class_of_ones_own_keeps_its_kind():
    class Own(complex.Dense):
        """A complex synapse, renamed."""

    assert cases.shapes(Own(3, 2), jnp.ones((1, 3, 4))) == {
        "real": {"weight": (2, 3)},
        "imag": {"weight": (2, 3)},
    }
