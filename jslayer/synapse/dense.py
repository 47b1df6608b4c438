"""Dense synapse: all to all, one matrix product for all time steps."""

from typing import Any

import jax
import jax.numpy as jnp

from jslayer.ops import EventBatch
from jslayer.ops.event_lists import lists_product
from jslayer.ops.event_product import event_product, product
from jslayer.synapse import base


class Dense(base.Synapse):
    """``z[t] = W x[t]`` for flat or spatial input.

    Attributes:
      in_neurons: Inputs; a number for channels, or ``(W, H)`` or ``(W, H, C)`` for images;
        ``None``: the channels of the first input.
      out_neurons: Outputs.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of each output's weights apart.
      pre_hook_fx: Applied to the weight in every pass, e.g. a quantiser.
      mask: Connectivity of zeros and ones, ``[out, in]``; for images ``[out, C, H, W]``, or
        ``[out, C]`` for whole channels.
      dtype: Type of the factors of the forward product; sums and gradients stay float32, which is
        what ``None`` means throughout. ``jnp.bfloat16`` is exact for spikes of zero and one and
        weights on the 8-bit grid, and faster where the processor has it; graded spikes are rounded.

    Parameters are ``weight`` ``[out, in]`` (``[out, C, H, W]`` for images), or with weight norm
    ``weight_v`` of that shape and ``weight_g`` ``[out, 1, ...]``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> x = jnp.ones((2, 3, 5))
      >>> variables = Dense(3, 4).init(jax.random.key(0), x)
      >>> Dense(3, 4).apply(variables, x).shape
      (2, 4, 5)
    """

    in_neurons: int | tuple[int, ...] | None
    out_neurons: int
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: base.Hook | None = None
    mask: Any = None
    dtype: Any = None

    kind = "dense"
    channel_field = "in_neurons"
    reads_events = True

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(in,)``, or ``(C, H, W)`` for images."""
        if not self.spatial:
            return (base.known("in_neurons", self.in_neurons, None),)
        if len(self.in_neurons) not in (2, 3):
            raise ValueError(
                f"`in_neurons` is {self.in_neurons}, expected a number, (W, H) or "
                "(W, H, C); give as many."
            )
        for size in self.in_neurons:
            base.check_sizes(in_neurons=size)
        width, height, channels = (*self.in_neurons, 1)[:3]
        return (channels, height, width)

    @property
    def spatial(self) -> bool:
        """True if the input is an image."""
        return isinstance(self.in_neurons, tuple)

    def in_channels(self) -> int | None:
        """Input channels as declared; ``None`` where they are found from the input."""
        return self.input_shape[0] if self.in_neurons is not None else None

    def weight_shape(self, in_channels: int | None = None) -> tuple[int, ...]:
        """``(out, in)``, or ``(out, C, H, W)`` for images; see the base."""
        base.check_sizes(out_neurons=self.out_neurons)
        channels = base.known("in_neurons", self.in_channels(), in_channels)
        return (self.out_neurons, channels, *(self.input_shape[1:] if self.spatial else ()))

    def channels_of(self, weight_shape: tuple[int, ...]) -> int:
        """Input channels of a weight of that shape."""
        return weight_shape[1]

    def check_layout(self, x: jax.ShapeDtypeStruct) -> None:
        """Raises ``ValueError`` unless an image has the declared size."""
        if self.spatial and x.shape[1:-1] != self.input_shape:
            raise ValueError(
                f"`x` has shape {x.shape}, expected [N, C, H, W, T] with (C, H, W) = "
                f"{self.input_shape} for in_neurons={self.in_neurons}; change the data or "
                "`in_neurons`."
            )

    def reads_lists(self, x: EventBatch) -> bool:
        """True but for images of which it takes the channels of every pixel alone."""
        return self.spatial or len(x.dims) == 1

    def weighted_sum(self, x: Any, weight: jax.Array) -> jax.Array:
        """``[T, N, ..., in] -> [T, N, ..., out]``; images come as ``[T, N, H, W, C]``.

        Or a batch of lists of events, in the outer order.
        """
        if isinstance(x, EventBatch):
            z = lists_product(x.lists, weight.reshape(weight.shape[0], -1))
            return z[:, :, None, None] if self.spatial else z
        if self.spatial:
            x = x.reshape(*x.shape[:2], 1, 1, -1)
            weight = jnp.moveaxis(weight, 1, -1).reshape(weight.shape[0], -1)
        if x.dtype == jnp.bool_:
            return event_product(x, weight)
        return product(x, weight)
