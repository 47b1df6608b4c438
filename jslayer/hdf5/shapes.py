"""Shapes from layer to layer: what a layer makes of the one before it."""

import math

from jslayer.hdf5.records import Layer

Shape = tuple[int | None, ...]
"""Shape of one step of data; ``None`` for sizes that the file does not tell."""


def output_shape(layer: Layer, before: Shape | None) -> Shape | None:
    """Shape of one step of a layer's output, or ``None`` where it fits any.

    Args:
      layer: The layer; of dense, flatten and average ``shape`` counts, of images the kernel.
      before: Output of the layer before.

    Returns:
      The shape; of images ``None`` for a height or width that depends on unknown ones.
    """
    if layer.type in ("input", "dense", "dense_rec", "average"):
        return layer.shape
    if layer.type == "flatten":
        return None if before is None or None in before else (math.prod(before),)
    if before is None:
        before = (None, None, None)
    if layer.type in ("conv", "convT"):
        channels = layer.weight.shape[0]
        if layer.type == "convT":
            channels = layer.weight.shape[1] * layer.groups
    else:
        channels = before[0]
    size = _transposed if layer.type in ("convT", "unpool") else _convolved
    spatial = list(before[1:])
    if layer.type == "pool":
        spatial = [n and -(-n // k) * k for n, k in zip(spatial, layer.kernel, strict=True)]
    return (channels, *(n and size(n, axis, layer) for axis, n in enumerate(spatial)))


def _convolved(n: int, axis: int, layer: Layer) -> int:
    reach = layer.dilation[axis] * (layer.kernel[axis] - 1)
    return (n + 2 * layer.padding[axis] - reach - 1) // layer.stride[axis] + 1


def _transposed(n: int, axis: int, layer: Layer) -> int:
    reach = layer.dilation[axis] * (layer.kernel[axis] - 1)
    return (n - 1) * layer.stride[axis] - 2 * layer.padding[axis] + reach + 1


def input_channels(layer: Layer) -> int:
    """Channels that a convolution takes."""
    if layer.type == "convT":
        return layer.weight.shape[0]
    return layer.weight.shape[1] * layer.groups


def agree(shape: Shape, other: Shape) -> bool:
    """True where two shapes are equal as far as both are known."""
    return len(shape) == len(other) and all(
        None in (n, m) or n == m for n, m in zip(shape, other, strict=True)
    )
