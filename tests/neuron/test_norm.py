"""The norms that hardware can hold."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.neuron.norm import MeanOnlyBatchNorm, WgtScaleBatchNorm

X = jnp.asarray(np.random.default_rng(0).normal(1, 3, (4, 3, 5)), jnp.float32)


def trained(norm, x=X):
    variables = norm.init(jax.random.key(0), x)
    return norm.apply(variables, x, train=True, mutable=["batch_stats"])


def test_the_mean_of_each_channel_goes():
    y, updates = trained(MeanOnlyBatchNorm())
    np.testing.assert_allclose(y, X - X.mean((0, 2), keepdims=True), rtol=1e-5, atol=1e-6)
    running = updates["batch_stats"]["running_mean"]
    np.testing.assert_allclose(running, 0.1 * X.mean((0, 2)), rtol=1e-5)


def test_the_deviation_is_rounded_up_to_a_power_of_two():
    y, _ = trained(WgtScaleBatchNorm())
    deviation = float(jnp.std(X))
    factor = 2.0 ** -np.ceil(np.log2(deviation))
    centred = np.asarray(X - X.mean((0, 2), keepdims=True))
    np.testing.assert_allclose(y, factor * centred, rtol=1e-5, atol=1e-6)
    assert 0.5 <= jnp.std(X) * factor <= 1


def test_the_exponent_is_bounded():
    y, _ = trained(WgtScaleBatchNorm(weight_exp_bits=1), 100 * X)
    centred = np.asarray(100 * X - (100 * X).mean((0, 2), keepdims=True))
    np.testing.assert_allclose(y, centred / 2, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("norm", [MeanOnlyBatchNorm, WgtScaleBatchNorm])
def test_out_of_training_the_running_statistics_are_used_and_kept(norm):
    statistics = {"running_mean": jnp.array([1.0, 2.0, 3.0]), "running_var": jnp.float32(1.0)}
    layer = norm(pre_hook=jnp.round) if norm is MeanOnlyBatchNorm else norm(eps=0.0)
    y, updates = layer.apply({"batch_stats": statistics}, X, mutable=["batch_stats"])
    np.testing.assert_array_equal(y, X - statistics["running_mean"][:, None])
    jax.tree.map(np.testing.assert_array_equal, updates["batch_stats"], statistics)


def test_no_gradient_flows_through_the_exponent():
    layer = WgtScaleBatchNorm()
    variables = layer.init(jax.random.key(0), X)
    weight = jnp.asarray(np.random.default_rng(1).normal(size=X.shape), jnp.float32)
    out = lambda x: layer.apply(variables, x, train=True, mutable=["batch_stats"])[0]
    gradient = jax.grad(lambda x: jnp.sum(weight * out(x)))(X)
    factor = 2.0 ** -np.ceil(np.log2(float(jnp.std(X))))
    expected = factor * (weight - weight.mean((0, 2), keepdims=True))
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", [MeanOnlyBatchNorm, WgtScaleBatchNorm])
def test_other_channels_are_refused(norm):
    with pytest.raises(ValueError, match="`x` has 3 channels and 3 axes, expected 4 channels"):
        norm(num_features=4).init(jax.random.key(0), X)
    with pytest.raises(ValueError, match=r"`x` has .* 6 axes, expected .* 2 to 5 axes"):
        norm().init(jax.random.key(0), X[..., None, None, None])


@pytest.mark.parametrize("norm", [MeanOnlyBatchNorm, WgtScaleBatchNorm])
def test_a_signal_without_channels_is_refused(norm):
    with pytest.raises(ValueError, match=r"`x` has .* 1 axes, expected .* 2 to 5 axes"):
        norm().init(jax.random.key(0), X[0, 0])


@pytest.mark.parametrize("norm", [MeanOnlyBatchNorm, WgtScaleBatchNorm])
@pytest.mark.parametrize("channels", [1, 2])
def test_statistics_of_other_channels_are_refused(norm, channels):
    variables = norm().init(jax.random.key(0), X[:, :channels])
    with pytest.raises(ValueError, match=rf"running_mean.*\({channels},\).*expected.*\(3,\)"):
        norm().apply(variables, X)
