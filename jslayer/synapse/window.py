"""Where a kernel lies on an image: sizes, steps and what comes out."""

import dataclasses
from typing import Any

from jslayer.ops import check
from jslayer.synapse import base


def pair(name: str, value: Any, *, least: int = 1) -> tuple[int, int]:
    """``value`` as ``(height, width)``; one number stands for both.

    Raises:
      TypeError: an entry is no whole number.
      ValueError: there are not two entries, or one is below ``least``.
    """
    both = value if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2:
        raise ValueError(
            f"`{name}` is {value}, expected a number or (height, width); give one or two."
        )
    for size in both:
        base.check_whole(name, size)
        if size < least:
            raise ValueError(
                f"`{name}` is {value}, expected whole numbers of at least {least}; "
                "choose larger ones."
            )
    return int(both[0]), int(both[1])


@dataclasses.dataclass(frozen=True)
class Window:
    """A kernel and its steps, each ``(height, width)``.

    Output ``i`` of a convolution sees the inputs ``i * stride + k * dilation - padding`` for ``k``
    below ``kernel``; in a transposed one input ``i`` reaches these outputs.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]

    @classmethod
    def of(cls, layer: Any) -> "Window":
        """The window of a layer's ``kernel_size``, ``stride``, ``padding`` and ``dilation``."""
        kernel = pair("kernel_size", layer.kernel_size)
        return cls(
            kernel,
            kernel if layer.stride is None else pair("stride", layer.stride),
            pair("padding", layer.padding, least=0),
            pair("dilation", layer.dilation),
        )

    @property
    def extent(self) -> tuple[int, int]:
        """Size of the dilated kernel."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def tiles(self) -> bool:
        """True if the windows lie side by side, without gap, overlap or padding."""
        return self.stride == self.kernel and self.dilation == (1, 1) and self.padding == (0, 0)

    def below(self, size: tuple[int, int]) -> tuple[int, int]:
        """Output size of a convolution on an image of ``size``.

        Raises:
          ValueError: the kernel is larger than the padded image.
        """
        padded = tuple(n + 2 * p for n, p in zip(size, self.padding, strict=True))
        if any(e > n for e, n in zip(self.extent, padded, strict=True)):
            raise ValueError(
                f"`kernel_size` {self.kernel} with dilation {self.dilation} spans {self.extent}, "
                f"expected at most the padded input {padded}; take a smaller kernel or pad more."
            )
        return tuple(
            (n - e) // s + 1 for n, e, s in zip(padded, self.extent, self.stride, strict=True)
        )

    def above(self, size: tuple[int, int]) -> tuple[int, int]:
        """Output size of a transposed convolution on an image of ``size``.

        Raises:
          ValueError: the padding takes all of the output away.
        """
        steps = zip(size, self.stride, self.padding, self.extent, strict=True)
        found = tuple((n - 1) * s - 2 * p + e for n, s, p, e in steps)
        if min(found) < 1 or min(size) < 1:
            raise ValueError(
                f"`padding` {self.padding} leaves an output of {found} for an input of "
                f"{tuple(size)}, expected at least (1, 1); pad less or take a larger kernel."
            )
        return found


def check_image(x: Any) -> None:
    """Raises ``ValueError`` unless ``x`` has the five axes of images in time."""
    check.rank("x", x, at_least=5, at_most=5, layout="N, C, H, W, T")
