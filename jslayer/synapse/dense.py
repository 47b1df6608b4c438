"""Dense synapse: all to all, one matrix product for all time steps."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import check
from jslayer.synapse import base


class Dense(base.Synapse):
    """``z[t] = W x[t]`` for flat or spatial input.

    Attributes:
      in_neurons: Inputs; a number for channels, or ``(W, H)`` or ``(W, H, C)`` for images.
      out_neurons: Outputs.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of each output's weights apart.
      pre_hook_fx: Applied to the weight in every pass, e.g. a quantiser.
      mask: Connectivity of zeros and ones, ``[out, in]`` (``[out, C, H, W]`` for images).

    Parameters are ``weight`` ``[out, in]`` (``[out, C, H, W]`` for images), or with weight norm
    ``weight_v`` of that shape and ``weight_g`` ``[out, 1, ...]``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> x = jnp.ones((2, 3, 5))
      >>> variables = Dense(3, 4).init(jax.random.key(0), x)
      >>> Dense(3, 4).apply(variables, x).shape
      (2, 4, 5)
    """

    in_neurons: int | tuple[int, ...]
    out_neurons: int
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: base.Hook | None = None
    mask: Any = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(in,)``, or ``(C, H, W)`` for images."""
        if not isinstance(self.in_neurons, tuple | list):
            return (self.in_neurons,)
        if len(self.in_neurons) not in (2, 3):
            raise ValueError(
                f"`in_neurons` is {tuple(self.in_neurons)}, expected a number, (W, H) or "
                "(W, H, C); give as many."
            )
        width, height, channels = (*self.in_neurons, 1)[:3]
        return (channels, height, width)

    @property
    def spatial(self) -> bool:
        """True if the input is an image."""
        return len(self.input_shape) == 3

    @nn.compact
    def time_first(self, x: jax.Array) -> jax.Array:
        """``[T, N, ..., in] -> [T, N, ..., out]``; images come as ``[T, N, H, W, C]``."""
        shape = self.input_shape
        base.check_sizes(out_neurons=self.out_neurons, **{"in_neurons": min(shape)})
        weight = self.effective_weight((self.out_neurons, *shape))
        if self.spatial:
            if x.ndim != 5 or (x.shape[4], *x.shape[2:4]) != shape:
                outer = (x.shape[1], x.shape[-1], *x.shape[2:-1], x.shape[0])
                raise ValueError(
                    f"`x` has shape {outer}, expected [N, C, H, W, T] with (C, H, W) = {shape} for "
                    f"in_neurons={tuple(self.in_neurons)}; change the data or `in_neurons`."
                )
            x = x.reshape(*x.shape[:2], 1, 1, -1)
            weight = jnp.moveaxis(weight, 1, -1).reshape(self.out_neurons, -1)
        check.axis_size("x", x, axis=-1, size=weight.shape[1], meaning="in_neurons, channels")
        # full precision keeps sums of graded spikes exact where the default would round inputs
        return lax.dot_general(
            x, weight, (((x.ndim - 1,), (1,)), ((), ())), precision=lax.Precision.HIGHEST
        )
