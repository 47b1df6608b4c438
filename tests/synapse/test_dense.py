"""The dense synapse: weights, norms, masks and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.ops.quantize import quantize_8bit
from jslayer.synapse import Dense, Mask, grad_norm

X = jnp.asarray(np.random.default_rng(0).integers(0, 2, (2, 4, 6)), jnp.float32)
MASK = np.array([[1, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]])


def initialised(x=X, **options):
    layer = Dense(4, 3, **options)
    return layer, jax.jit(layer.init)(jax.random.key(0), x)["params"]


def test_the_drive_is_the_weighted_sum_of_every_step():
    layer, params = initialised()
    expected = np.einsum("oi,nit->not", params["weight"], X)
    np.testing.assert_allclose(layer.apply({"params": params}, X), expected, rtol=1e-5, atol=1e-6)


def test_images_are_summed_over_channel_height_and_width():
    rng = np.random.default_rng(1)
    x = jnp.asarray(rng.normal(size=(2, 3, 4, 5, 6)), jnp.float32)  # [N, C, H, W, T]
    layer = Dense((5, 4, 3), 7)
    params = jax.jit(layer.init)(jax.random.key(0), x)["params"]
    assert params["weight"].shape == (7, 3, 4, 5)
    expected = np.einsum("ochw,nchwt->not", params["weight"], x)
    found = layer.apply({"params": params}, x)
    assert found.shape == (2, 7, 1, 1, 6)
    np.testing.assert_allclose(found[:, :, 0, 0], expected, rtol=1e-4, atol=1e-5)


def test_weight_norm_changes_nothing_at_the_start():
    plain, weight = initialised(pre_hook_fx=quantize_8bit)
    normed, params = initialised(pre_hook_fx=quantize_8bit, weight_norm=True)
    np.testing.assert_array_equal(params["weight_v"], weight["weight"])
    assert params["weight_g"].shape == (3, 1)
    np.testing.assert_array_equal(
        normed.apply({"params": params}, X), plain.apply({"params": weight}, X)
    )


def test_weight_norm_sets_the_length_of_each_output():
    layer, params = initialised(weight_norm=True)
    params = {**params, "weight_g": jnp.array([[1.0], [2.0], [3.0]])}
    weight = layer.apply({"params": params}, jnp.eye(4)[None])[0]
    np.testing.assert_allclose(jnp.linalg.norm(weight, axis=1), [1, 2, 3], rtol=1e-5)


@pytest.mark.parametrize("weight_norm", [False, True])
def test_masked_weights_are_zero_and_get_no_gradient(weight_norm):
    layer, params = initialised(weight_norm=weight_norm, mask=MASK)
    weight = layer.apply({"params": params}, jnp.eye(4)[None])[0]
    np.testing.assert_array_equal(np.asarray(weight)[MASK == 0], 0)
    assert np.asarray(weight)[MASK == 1].all()
    loss = lambda p: jnp.sum(jnp.sin(layer.apply({"params": p}, X)))
    gradients = jax.grad(loss)(params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))
    gradient = np.asarray(gradients["weight_v" if weight_norm else "weight"])
    np.testing.assert_array_equal(gradient[MASK == 0], 0)
    assert gradient[MASK == 1].all()
    # an optimiser step of any kind that is led by the gradient leaves them zero
    params = jax.tree.map(lambda p, g: p - 0.1 * g, params, gradients)
    weight = layer.apply({"params": params}, jnp.eye(4)[None])[0]
    np.testing.assert_array_equal(np.asarray(weight)[MASK == 0], 0)


def test_masks_of_equal_entries_hash_alike():
    assert Mask(MASK) == Mask(MASK.astype(bool))
    assert hash(Mask(MASK)) == hash(Mask(MASK.astype(np.float32)))
    assert Mask(MASK) != Mask(1 - MASK)
    assert hash(Dense(4, 3, mask=MASK)) == hash(Dense(4, 3, mask=MASK))


def test_the_gradient_norm_is_taken_of_the_learned_length_under_weight_norm():
    gradients = {"weight": jnp.full((2, 2), 3.0)}
    assert grad_norm(gradients) == 1.5
    gradients = {"weight_v": jnp.full((2, 2), 3.0), "weight_g": jnp.array([[3.0], [4.0]])}
    assert grad_norm(gradients) == 2.5


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (X[0], ValueError, r"`x` has shape \(4, 6\).*expected \[N, C, ..., T\]"),
        (X[:, :3], ValueError, r"`x` has shape .* with 3 along axis .*expected 4 \(in_neurons"),
        (X.astype(jnp.int32), TypeError, "`x` has dtype int32, expected a floating-point array"),
        (X[..., :0], ValueError, r"`x` has shape \(2, 4, 0\) with no time step.*at least 1"),
        (X.at[0, 0, 0].set(jnp.nan), ValueError, "`x` holds NaN, expected numbers"),
    ],
)
def test_bad_input_is_refused(x, error, message):
    layer, params = initialised()
    with pytest.raises(error, match=message):
        layer.apply({"params": params}, x)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"mask": MASK.T}, ValueError, r"`mask` has shape \(4, 3\), expected .*\(3, 4\)"),
        ({"out_neurons": 0}, ValueError, "`out_neurons` is 0, expected a number above 0"),
        ({"out_neurons": 2.5}, TypeError, "`out_neurons` is 2.5, expected a whole number"),
        ({"in_neurons": (4,)}, ValueError, r"`in_neurons` is \(4,\), expected a number, \(W, H\)"),
        (
            {"in_neurons": (5, 4)},
            ValueError,
            r"`x` has shape \(2, 4, 6\), expected \[N, C, H, W, T",
        ),
    ],
)
def test_bad_layers_are_refused(arguments, error, message):
    layer = Dense(**{"in_neurons": 4, "out_neurons": 3, **arguments})
    with pytest.raises(error, match=message):
        layer.init(jax.random.key(0), X)


@pytest.mark.parametrize("value", [2, -1, 0.5])
def test_a_mask_of_other_values_than_zero_and_one_is_refused(value):
    with pytest.raises(ValueError, match=r"`mask` holds values from .*expected only 0 and 1"):
        Dense(4, 3, mask=np.full((3, 4), value))
