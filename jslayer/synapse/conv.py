"""Convolution and transposed convolution over height and width, for all time steps at once."""

from typing import Any

import jax

from jslayer.ops import layout
from jslayer.ops.forward_mode import reverse_only
from jslayer.synapse import base
from jslayer.synapse.convolve import convolve, convolve_transposed
from jslayer.synapse.window import Window, check_image


class _Kernels(base.Synapse):
    """What both kinds share: fields and checks."""

    in_features: int | None
    out_features: int
    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int] = 1
    padding: int | tuple[int, int] = 0
    dilation: int | tuple[int, int] = 1
    groups: int = 1
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: base.Hook | None = None
    mask: Any = None
    dtype: Any = None

    channel_field = "in_features"

    def check_layout(self, x: jax.ShapeDtypeStruct) -> None:
        """Raises ``ValueError`` unless ``x`` holds images."""
        check_image(x)

    def features(self, in_channels: int | None) -> tuple[int, int]:
        """Input and output channels, which the groups must divide."""
        base.check_sizes(out_features=self.out_features, groups=self.groups)
        channels = base.known("in_features", self.in_features, in_channels)
        for name, size in (("in_features", channels), ("out_features", self.out_features)):
            if size % self.groups:
                raise ValueError(
                    f"`groups` is {self.groups}, expected a divisor of `{name}`, which is {size}; "
                    "choose numbers that fit."
                )
        return channels, int(self.out_features)


class Conv(_Kernels):
    """Convolution ``z[t] = W * x[t]`` (a cross-correlation, without bias).

    An output axis has ``(n + 2 padding - dilation (kernel - 1) - 1) // stride + 1`` entries.

    Attributes:
      in_features: Input channels; ``None``: those of the first input.
      out_features: Output channels.
      kernel_size: Size of the kernel; one number or ``(height, width)``, as the next three.
      stride: Steps between windows.
      padding: Zeros on every side.
      dilation: Steps between the entries of a window.
      groups: Channels are connected within as many groups.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of each output channel's weights apart.
      pre_hook_fx: Applied to the weight in every pass, e.g. a quantiser.
      mask: Connectivity of zeros and ones, shaped like the weight, or like its first two axes to
        mask whole kernels.
      dtype: Type of the factors of the forward product, as in `jslayer.synapse.Dense`.

    Parameters are ``weight`` ``[out, in / groups, kh, kw]``, or with weight norm ``weight_v`` of
    that shape and ``weight_g`` ``[out, 1, 1, 1]``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> x = jnp.ones((2, 3, 8, 9, 5))
      >>> layer = Conv(3, 4, kernel_size=3, stride=(2, 1))
      >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
      (2, 4, 3, 7, 5)
    """

    kind = "conv"

    def weight_shape(self, in_channels: int | None = None) -> tuple[int, ...]:
        """``(out, in / groups, kh, kw)``; see the base."""
        channels, outputs = self.features(in_channels)
        return (outputs, channels // self.groups, *Window.of(self).kernel)

    def channels_of(self, weight_shape: tuple[int, ...]) -> int:
        """Input channels of a weight of that shape."""
        return weight_shape[1] * self.groups

    def weighted_sum(self, x: jax.Array, weight: jax.Array) -> jax.Array:
        """``[T, N, H, W, in] -> [T, N, H', W', out]``, one convolution of T*N images."""
        window = Window.of(self)
        window.below(x.shape[2:4])
        return layout.over_images(lambda x: convolve(x, weight, window, self.groups), x)


class ConvTranspose(_Kernels):
    """Transposed convolution: the adjoint of a `Conv` with the same weight.

    An output axis has ``(n - 1) stride - 2 padding + dilation (kernel - 1) + 1`` entries.

    Attributes:
      in_features: Input channels; ``None``: those of the first input.
      out_features: Output channels.
      kernel_size: Size of the kernel; one number or ``(height, width)``, as the next three.
      stride: Steps between the places where kernels are added.
      padding: Rows and columns cut off on every side of the output.
      dilation: Steps between the entries of a kernel.
      groups: Channels are connected within as many groups.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of each **input** channel's weights apart.
      pre_hook_fx: Applied to the weight in every pass, e.g. a quantiser.
      mask: Connectivity of zeros and ones, shaped like the weight, or like its first two axes to
        mask whole kernels.
      dtype: Type of the factors of the forward product, as in `jslayer.synapse.Dense`.

    Parameters are ``weight`` ``[in, out / groups, kh, kw]``, or with weight norm ``weight_v`` of
    that shape and ``weight_g`` ``[in, 1, 1, 1]``. The fan-in of the initial weights is taken as
    ``out / groups * kh * kw``, as in lava-dl.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> x = jnp.ones((2, 3, 4, 4, 5))
      >>> layer = ConvTranspose(3, 4, kernel_size=2, stride=2)
      >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
      (2, 4, 8, 8, 5)
    """

    kind = "convT"

    def weight_shape(self, in_channels: int | None = None) -> tuple[int, ...]:
        """``(in, out / groups, kh, kw)``; see the base."""
        channels, outputs = self.features(in_channels)
        return (channels, outputs // self.groups, *Window.of(self).kernel)

    def channels_of(self, weight_shape: tuple[int, ...]) -> int:
        """Input channels of a weight of that shape."""
        return weight_shape[0]

    def weighted_sum(self, x: jax.Array, weight: jax.Array) -> jax.Array:
        """``[T, N, H, W, in] -> [T, N, H', W', out]``, one convolution of T*N images."""
        window = Window.of(self)
        window.above(x.shape[2:4])
        run = reverse_only(convolve_transposed)
        return layout.over_images(lambda x: run(x, weight, window, self.groups), x)
