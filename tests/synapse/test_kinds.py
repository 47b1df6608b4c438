"""What all synapses share: undeclared channels, masks, hashing, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import synapse
from jslayer.ops.quantize import quantize_8bit
from jslayer.synapse import Conv, ConvTranspose, Dense, Pool, Unpool
from tests.synapse import cases

X = jnp.ones(cases.IMAGE)
KERNEL_MASK = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [1, 1]])
MASKS = {
    "kernels": (Conv(4, 6, 3, groups=2), KERNEL_MASK),
    "conv": (Conv(4, 6, 3, groups=2), np.arange(108).reshape(6, 2, 3, 3) % 3 > 0),
    "kernels of convT": (ConvTranspose(6, 4, 3, groups=2), KERNEL_MASK),
    "convT": (ConvTranspose(4, 3, 2), np.arange(48).reshape(4, 3, 2, 2) % 3 > 0),
    "dense of images": (Dense((6, 5, 4), 3), np.arange(360).reshape(3, 4, 5, 6) % 3 > 0),
}


@pytest.mark.parametrize("name", cases.LAYERS)
def test_the_kind_and_the_shape_of_the_weight_are_known_without_parameters(name):
    layer, shape = cases.LAYERS[name]
    assert layer.kind == name.split()[0]
    learned = layer.clone(weight_norm=True)
    assert layer.weight_shape() == cases.shapes(learned, jnp.ones(shape))["weight_v"]
    weight = jnp.ones(layer.weight_shape(shape[1]))
    assert layer.weight_in_use({"weight": weight}).shape == weight.shape


@pytest.mark.parametrize("layer", [Dense(None, 6), Conv(None, 6, 3, groups=2)], ids=repr)
@pytest.mark.parametrize("weight_norm", [False, True])
def test_undeclared_channels_are_found_once_and_then_hold(layer, weight_norm):
    layer = layer.clone(weight_norm=weight_norm)
    declared = layer.clone(**{layer.channel_field: 4})
    assert cases.shapes(layer, X) == cases.shapes(declared, X)
    variables = {"params": cases.parameters(declared)}
    np.testing.assert_array_equal(layer.apply(variables, X), declared.apply(variables, X))
    message = rf"`x` has shape .* with 6 along axis 1, expected 4 \({layer.channel_field}"
    with pytest.raises(ValueError, match=message):
        layer.apply(variables, jnp.ones((2, 6, 5, 6, 3)))
    with pytest.raises(ValueError, match="is None, expected a number where there is no input"):
        layer.weight_shape()


def test_undeclared_channels_of_a_transposed_convolution():
    layer = ConvTranspose(None, 6, 3, groups=2)
    assert cases.shapes(layer, X) == {"weight": (4, 3, 3, 3)}
    variables = {"params": {"weight": jnp.ones((4, 3, 3, 3))}}
    with pytest.raises(ValueError, match=r"with 2 along axis 1, expected 4 \(in_features"):
        layer.apply(variables, X[:, :2])


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("weight_norm", [False, True])
@pytest.mark.parametrize("hook", [None, quantize_8bit, lambda w: w + 1.0])
def test_masked_weights_are_zero_and_get_no_gradient(name, weight_norm, hook):
    layer, mask = MASKS[name]
    layer = layer.clone(mask=mask, weight_norm=weight_norm, pre_hook_fx=hook)
    full = np.broadcast_to(mask.reshape(mask.shape + (1,) * (4 - mask.ndim)), layer.weight_shape())
    x = jnp.asarray(cases.whole((2, layer.in_channels(), 5, 6, 2), 0))
    params = cases.parameters(layer)
    used = np.asarray(layer.weight_in_use(params))
    np.testing.assert_array_equal(used[full == 0], 0)
    assert hook is quantize_8bit or used[full == 1].all()
    y = cases.apply(layer, params, x)
    plain = layer.clone(mask=None, weight_norm=False, pre_hook_fx=None)
    expected = cases.apply(plain, {"weight": used}, x)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    gradients, _ = cases.pull(layer, params, x, cases.whole(y.shape, 1))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))
    gradient = np.asarray(gradients["weight_v" if weight_norm else "weight"])
    np.testing.assert_array_equal(gradient[full == 0], 0)
    assert np.mean(gradient[full == 1] != 0) > 0.9


def test_layers_hash_by_value_and_leave_the_callers_values_alone():
    sizes, mask = [3, 2], np.ones((6, 4, 3, 2))
    layer = Conv(4, 6, kernel_size=sizes, stride=[1, 2], mask=mask)
    assert sizes == [3, 2] and mask.dtype == np.float64
    assert layer.kernel_size == (3, 2) and layer.stride == (1, 2)
    assert hash(layer) == hash(Conv(4, 6, (3, 2), (1, 2), mask=mask.astype(bool)))
    assert layer == Conv(4, 6, (3, 2), (1, 2), mask=mask.astype(bool))
    assert Dense([5, 4], 3).in_neurons == (5, 4)


def test_numbers_of_numpy_are_sizes():
    layer = Conv(np.int64(4), np.int32(6), np.int64(3), groups=np.int64(2))
    assert layer.apply({"params": cases.parameters(layer)}, X).shape == (2, 6, 3, 4, 3)


@pytest.mark.parametrize("name", cases.LAYERS)
def test_shorter_floats_are_summed_in_float32(name):
    layer, shape = cases.LAYERS[name]
    x = jnp.asarray(cases.whole(shape, 0))
    params = cases.parameters(layer)
    found = cases.apply(layer, params, x.astype(jnp.bfloat16))
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, cases.apply(layer, params, x))


@pytest.mark.parametrize("layer", [Dense(4, 6), Conv(4, 6, 3), synapse.complex.Pool(2)], ids=repr)
def test_complex_input_is_refused(layer):
    key = jax.random.key(0)
    with pytest.raises(TypeError, match="`x` has dtype complex64, expected one real"):
        layer.init(key, X.astype(jnp.complex64))
    with pytest.raises(TypeError, match="`x` is a tuple of 2, expected one real"):
        layer.init(key, (X, X))
    with pytest.raises(TypeError, match="`x` has dtype complex64, expected one real"):
        layer.init(key, X.astype(jnp.complex64), method="time_first")


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (Conv(3, 6, 3), ValueError, r"`x` has .* with 4 along axis 1, expected 3 \(in_features"),
        (ConvTranspose(3, 6, 3), ValueError, r"with 4 along axis 1, expected 3 \(in_features"),
        (Conv(4, 6, 3, groups=4), ValueError, "`groups` is 4, .*divisor of `out_features`.* 6;"),
        (Conv(4, 6, 3, groups=3), ValueError, "`groups` is 3, .*divisor of `in_features`.* 4;"),
        (Conv(4, 6, 3, groups=0), ValueError, "`groups` is 0, expected a number above 0"),
        (Conv(4, 6, 3, stride=0), ValueError, "`stride` is 0, expected whole .* at least 1"),
        (Conv(4, 6, 3, dilation=0), ValueError, "`dilation` is 0, expected whole .* at least 1"),
        (Conv(4, 6, 3, padding=-1), ValueError, "`padding` is -1, expected whole .* at least 0"),
        (Conv(4, 6, 2.5), TypeError, "`kernel_size` is 2.5, expected a whole number"),
        (Conv(4, 6, (3, True)), TypeError, "`kernel_size` is True, expected a whole number"),
        (Conv(4, 6, (3, 3, 3)), ValueError, r"`kernel_size` is \(3, 3, 3\), expected .*\(height"),
        (Conv(4.0, 6, 3), TypeError, "`in_features` is 4.0, expected a whole number"),
        (Conv(4, -6, 3), ValueError, "`out_features` is -6, expected a number above 0"),
        (Conv(4, 6, (6, 3)), ValueError, r"`kernel_size` \(6, 3\) .* padded input \(5, 6\)"),
        (Conv(4, 6, 3, dilation=3), ValueError, r"spans \(7, 7\), expected at most the padded"),
        (ConvTranspose(4, 6, 1, padding=3), ValueError, r"`padding` \(3, 3\) leaves an output of"),
        (Pool(2, stride=0), ValueError, "`stride` is 0, expected whole .* at least 1"),
        (Pool(2, dilation=8), ValueError, r"spans \(9, 9\), expected at most the padded input"),
        (Pool(0), ValueError, "`kernel_size` is 0, expected whole .* at least 1"),
        (Unpool("2"), TypeError, "`kernel_size` is '2', expected a whole number"),
        (Unpool(1, padding=4), ValueError, r"`padding` \(4, 4\) leaves an output of"),
        (
            Conv(4, 6, 3, mask=np.ones((4, 6))),
            ValueError,
            r"`mask` has shape \(4, 6\), expected .*\(6, 4, 3, 3\), or \(6, 4\) to mask whole ker",
        ),
        (Dense((6, 5.0), 3), TypeError, "`in_neurons` is 5.0, expected a whole number"),
    ],
)
def test_bad_layers_are_refused(layer, error, message):
    with pytest.raises(error, match=message):
        cases.shapes(layer, X)


@pytest.mark.parametrize("layer", [Conv(4, 6, 1), ConvTranspose(4, 6, 1), Pool(2), Unpool(2)])
@pytest.mark.parametrize("shape", [(2, 4, 3), (2, 4, 5, 3)])
def test_images_have_five_axes(layer, shape):
    with pytest.raises(ValueError, match=r"`x` has shape .* axes\), expected \[N, C, H, W, T\]"):
        cases.shapes(layer, jnp.ones(shape))


def test_parameters_of_another_layer_are_refused():
    params = {"weight": jnp.ones((6, 4, 2, 2))}
    with pytest.raises(
        ValueError, match=r"hold a `weight` of shape .*2\), expected \(6, 4, 3, 3\)"
    ):
        Conv(4, 6, 3).apply({"params": params}, X)


def test_a_given_number_of_channels_must_be_the_declared_one():
    with pytest.raises(ValueError, match=r"`in_channels` is 3, expected 4 \(in_features\)"):
        Conv(4, 6, 3).weight_shape(3)
