"""Synapses in integers: matrix, convolution, transposed convolution, pooling."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jslayer.hdf5.records import Layer, Pair
from jslayer.hdf5.run.sums import digit_bits, exact_sum


@dataclasses.dataclass(frozen=True)
class Synapse:
    """How inputs meet weights; the weights themselves are arrays beside it.

    Attributes:
      bits: Digits of the inputs, see `sums`.
      binary: Every input that is not zero counts as one.
      window: Of images: the keywords of a convolution; ``None`` of a matrix.
      channelwise: A kernel for every channel alone, repeated when the channels are known.
      whole: Sizes that height and width are filled up to a multiple of, with zeros.
      wraps: Sums wrap at 24 bits.
    """

    bits: int
    binary: bool
    window: tuple[tuple[str, object], ...] | None = None
    channelwise: bool = False
    whole: Pair = (1, 1)
    wraps: bool = False

    def __call__(self, weight: jax.Array, x: jax.Array) -> jax.Array:
        """Sums of a row of images or vectors.

        Args:
          weight: ``[in, out]``, or the kernel ``[out, in, kh, kw]``.
          x: ``[B, ..., C]`` int32; images before a matrix are read channel slowest.

        Returns:
          ``[B, ..., C]`` int32.
        """
        if self.binary:
            x = (x != 0).astype(jnp.int32)
        if self.window is None:
            x = channel_slowest(x, 1)
            product = lambda part: jnp.matmul(
                part, weight.astype(part.dtype), precision=lax.Precision.HIGHEST
            )
        else:
            window = dict(self.window)
            more = [-n % k for n, k in zip(x.shape[1:3], self.whole, strict=True)]
            x = jnp.pad(x, ((0, 0), (0, more[0]), (0, more[1]), (0, 0)))
            if self.channelwise:
                weight = jnp.tile(weight, (x.shape[-1], 1, 1, 1))
                window["feature_group_count"] = x.shape[-1]
            product = lambda part: lax.conv_general_dilated(
                part,
                weight.astype(part.dtype),
                dimension_numbers=("NHWC", "OIHW", "NHWC"),
                precision=lax.Precision.HIGHEST,
                **window,
            )
        total = exact_sum(product, x, self.bits, binary=self.binary)
        return wrap(total) if self.wraps else total


def wrap(value: jax.Array) -> jax.Array:
    """int32 as 24 bits signed hold it."""
    return (value << 8) >> 8


def channel_slowest(x: jax.Array, leading: int) -> jax.Array:
    """``[*, H, W, C] -> [*, C*H*W]``, with ``leading`` axes in the place of ``*``."""
    x = jnp.moveaxis(x, -1, leading)
    return x.reshape(*x.shape[:leading], -1)


def matrix(weight: np.ndarray, *, binary: bool) -> tuple[Synapse, np.ndarray]:
    """A dense synapse and its weight ``[in, out]``, from ``[out, in]``."""
    bits = digit_bits(int(np.abs(weight).sum(1).max()))
    return Synapse(bits, binary), np.ascontiguousarray(weight.T, np.float32)


def convolution(layer: Layer, weight: np.ndarray, *, binary: bool) -> tuple[Synapse, np.ndarray]:
    """A synapse of images and its kernel ``[out, in/groups, kh, kw]``.

    Args:
      layer: Where the geometry is.
      weight: As in the file.
      binary: Every input that is not zero counts as one.

    Returns:
      The synapse and its weight.
    """
    window: dict[str, object] = {
        "window_strides": layer.stride,
        "rhs_dilation": layer.dilation,
        "padding": tuple((p, p) for p in layer.padding),
    }
    if layer.type in ("convT", "unpool"):
        reach = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel, strict=True)]
        window |= {
            "window_strides": (1, 1),
            "lhs_dilation": layer.stride,
            "padding": tuple((r - p, r - p) for r, p in zip(reach, layer.padding, strict=True)),
        }
        weight = _transposed(weight, layer.groups or 1)
    if layer.groups is not None:
        window["feature_group_count"] = layer.groups
    synapse = Synapse(
        digit_bits(int(np.abs(weight).sum((1, 2, 3)).max())),
        binary,
        tuple(window.items()),
        channelwise=layer.groups is None,
        whole=layer.kernel if layer.type == "pool" else (1, 1),
        wraps=True,
    )
    return synapse, weight.astype(np.float32)


def _transposed(weight: np.ndarray, groups: int) -> np.ndarray:
    """``[in, out/groups, kh, kw] -> [out, in/groups, kh, kw]``, turned around."""
    inputs, outputs, *kernel = weight.shape
    parts = weight.reshape(groups, inputs // groups, outputs, *kernel)
    whole = np.moveaxis(parts, 2, 1).reshape(groups * outputs, inputs // groups, *kernel)
    return np.ascontiguousarray(whole[:, :, ::-1, ::-1])
