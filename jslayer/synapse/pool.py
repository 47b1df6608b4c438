"""Pooling and unpooling: fixed kernels over height and width, every channel alone."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jslayer.ops.forward_mode import reverse_only
from jslayer.synapse import base, pooling
from jslayer.synapse.window import Window, check_image


class _Constant(base.Synapse):
    """What both kinds share: fields, and a weight that is the same everywhere."""

    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int] | None = None
    padding: int | tuple[int, int] = 0
    dilation: int | tuple[int, int] = 1
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: base.Hook | None = None

    def check_layout(self, x: jax.ShapeDtypeStruct) -> None:
        """Raises ``ValueError`` unless ``x`` holds images."""
        check_image(x)

    def weight_shape(self, in_channels: int | None = None) -> tuple[int, ...]:
        """``(1, 1, kh, kw)``, whatever the channels."""
        del in_channels
        return (1, 1, *Window.of(self).kernel)

    def channels_of(self, weight_shape: tuple[int, ...]) -> None:
        """``None``: one weight serves any number of channels."""
        del weight_shape

    def parameters(self, shape: tuple[int, ...]) -> dict[str, jax.Array]:
        """The stored parameters: none without weight norm."""
        return super().parameters(shape) if self.weight_norm else {}

    def weight_in_use(self, params: Mapping[str, Any]) -> jax.Array:
        """The weight in use, from the layer's own ``params``; needs no bound module."""
        return super().weight_in_use(params or {"weight": self.draw(None, self.weight_shape())})

    def draw(self, key: jax.Array | None, shape: tuple[int, ...]) -> jax.Array:
        """First value of the weight: ``weight_scale`` everywhere."""
        del key
        return jnp.full(shape, self.weight_scale, jnp.float32)


class Pool(_Constant):
    """Sum pooling: ``weight_scale`` times the sum of every window (not the mean).

    An image whose size is no multiple of the kernel first gets zeros at the bottom and at the
    right, up to the next one. Output sizes are then those of a `Conv`.

    Attributes:
      kernel_size: Size of a window; one number or ``(height, width)``, as the next three.
      stride: Steps between windows; ``None``: the kernel's size.
      padding: Zeros on every side.
      dilation: Steps between the entries of a window.
      weight_scale: The weight.
      weight_norm: Learn the weight, as ``weight_v`` and ``weight_g``.
      pre_hook_fx: Applied to the weight in every pass, e.g. a quantiser.

    There are no parameters, but with weight norm ``weight_v`` ``[1, 1, kh, kw]`` and ``weight_g``
    ``[1, 1, 1, 1]``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> Pool(2).apply({}, jnp.ones((1, 3, 5, 4, 7)))[0, 0, :, :, 0]
      Array([[4., 4.],
             [4., 4.],
             [2., 2.]], dtype=float32)
    """

    kind = "pool"

    def weighted_sum(self, x: jax.Array, weight: jax.Array) -> jax.Array:
        """``[T, N, H, W, C] -> [T, N, H', W', C]``."""
        window = Window.of(self)
        ragged = zip(x.shape[2:4], window.kernel, strict=True)
        size = window.below(tuple(-(-n // k) * k for n, k in ragged))
        gather = reverse_only(pooling.gather)
        return jax.vmap(lambda x: gather(x, weight[0, 0], window, size))(x)


class Unpool(_Constant):
    """Unpooling: every entry spread over a window, ``weight_scale`` times; the adjoint of sums.

    An output axis has ``(n - 1) stride - 2 padding + dilation (kernel - 1) + 1`` entries.

    Attributes:
      kernel_size: Size of a window; one number or ``(height, width)``, as the next three.
      stride: Steps between windows; ``None``: the kernel's size.
      padding: Rows and columns cut off on every side of the output.
      dilation: Steps between the entries of a window.
      weight_scale: The weight.
      weight_norm: Learn the weight, as ``weight_v`` and ``weight_g``.
      pre_hook_fx: Applied to the weight in every pass, e.g. a quantiser.

    There are no parameters, but with weight norm ``weight_v`` ``[1, 1, kh, kw]`` and ``weight_g``
    ``[1, 1, 1, 1]``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> Unpool(2).apply({}, jnp.ones((1, 3, 5, 4, 7))).shape
      (1, 3, 10, 8, 7)
    """

    kind = "unpool"

    def weighted_sum(self, x: jax.Array, weight: jax.Array) -> jax.Array:
        """``[T, N, H, W, C] -> [T, N, H', W', C]``."""
        window = Window.of(self)
        size = window.above(x.shape[2:4])
        spread = reverse_only(pooling.spread)
        return jax.vmap(lambda x: spread(x, weight[0, 0], window, size))(x)
