"""Convolution and its transpose of images ``[B, H, W, C]``, as pure functions."""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.synapse.window import Window


def convolve(x: jax.Array, weight: jax.Array, window: Window, groups: int) -> jax.Array:
    """Cross-correlation ``y[i, o] = sum_k weight[o, c, k] x[i stride + k dilation - padding, c]``.

    Args:
      x: ``[B, H, W, in]`` float32.
      weight: ``[out, in / groups, kh, kw]`` float32.
      window: Kernel, stride, padding and dilation.
      groups: Channels are connected within as many groups.

    Returns:
      ``[B, H', W', out]`` float32.
    """
    padding = [(p, p) for p in window.padding]
    one = functools.partial(
        _conv, strides=window.stride, padding=padding, rhs_dilation=window.dilation
    )
    numbers = ("NHWC", "OIHW", "NHWC")
    if groups == 1:
        return one(x, weight, numbers=numbers)
    return lax.platform_dependent(
        x,
        weight,
        cpu=lambda x, weight: one(x, _block_diagonal(weight, groups), numbers=numbers),
        default=lambda x, weight: one(x, weight, numbers=numbers, groups=groups),
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def convolve_transposed(x: jax.Array, weight: jax.Array, window: Window, groups: int) -> jax.Array:
    """The adjoint of `convolve` in its input: ``y[i stride + k dilation - padding] += w[k] x[i]``.

    Args:
      x: ``[B, H, W, in]`` float32.
      weight: ``[in, out / groups, kh, kw]`` float32.
      window: Kernel, stride, padding and dilation.
      groups: Channels are connected within as many groups.

    Returns:
      ``[B, H', W', out]`` float32.
    """
    sides = zip(window.extent, window.padding, strict=True)
    one = functools.partial(
        _conv,
        strides=(1, 1),
        padding=[(e - 1 - p, e - 1 - p) for e, p in sides],
        lhs_dilation=window.stride,
        rhs_dilation=window.dilation,
        numbers=("NHWC", "IOHW", "NHWC"),
    )
    weight = lax.rev(weight, (2, 3))
    if groups == 1:
        return one(x, weight)
    return lax.platform_dependent(
        x,
        weight,
        cpu=lambda x, weight: one(x, _block_diagonal(weight, groups)),
        default=lambda x, weight: one(x, _groups_to_outputs(weight, groups), groups=groups),
    )


def _transposed_fwd(x, weight, window, groups):
    # undecorated, here and in the pooling: what JAX makes of it serves derivatives of gradients
    return convolve_transposed.__wrapped__(x, weight, window, groups), (x, weight)


def _transposed_bwd(window, groups, residuals, y_bar):
    # as the gradients of a plain convolution: those of one whose input is spread are 5-10x slower
    x, weight = residuals
    x_bar, weight_pullback = jax.vjp(lambda w: convolve(y_bar, w, window, groups), weight)
    return x_bar, *weight_pullback(x)


convolve_transposed.defvjp(_transposed_fwd, _transposed_bwd)


def _conv(x, weight, *, strides, padding, rhs_dilation, numbers, lhs_dilation=None, groups=1):
    # full precision keeps sums of quantised weights exact where the default would round inputs
    return lax.conv_general_dilated(
        x,
        weight,
        strides,
        padding,
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        dimension_numbers=numbers,
        feature_group_count=groups,
        precision=lax.Precision.HIGHEST,
        preferred_element_type=jnp.float32,
    )


def _block_diagonal(weight, groups):
    """``[g a, b, kh, kw] -> [g a, g b, kh, kw]``, zero between groups.

    The CPU has no fast grouped convolution: the full one is 4 to 30 times faster, and its zeros
    change no sum.
    """
    first, second, height, width = weight.shape
    apart = weight.reshape(groups, first // groups, 1, second, height, width)
    same = jnp.eye(groups, dtype=bool)[:, None, :, None, None, None]
    return jnp.where(same, apart, 0.0).reshape(first, groups * second, height, width)


def _groups_to_outputs(weight, groups):
    """``[g a, b, kh, kw] -> [a, g b, kh, kw]``: the compiler wants the groups among outputs."""
    first, second, height, width = weight.shape
    apart = weight.reshape(groups, first // groups, second, height, width)
    return jnp.moveaxis(apart, 0, 1).reshape(first // groups, groups * second, height, width)
