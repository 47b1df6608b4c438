"""Data that go into the hardware and come out: shapes, whole numbers, layouts."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.hdf5 import shapes
from jslayer.hdf5.records import NetworkFile
from jslayer.hdf5.run.model import Model
from jslayer.ops import check
from jslayer.ops.layout import time_last

LARGEST = 2**31 - 1


class InputData:
    """Checks the data of one network and makes whole numbers of them.

    Attributes:
      file: The network.
      largest: Largest magnitude of a number.
      is_events: Only what is not zero counts.
    """

    def __init__(self, file: NetworkFile, model: Model | None, graded: bool):
        self.file = file
        has_input = file.layers[0].type == "input" and model is not None
        self.largest = model.largest if has_input else LARGEST
        self.is_events = not has_input and not graded

    def over_time(self, x: Any, steps: int | None, *, is_client: bool) -> jax.Array:
        """``[N, C, ..., T]`` int32, from either layout, held where it has no time."""
        x = self._whole(x)
        expected = "C, T or W, H, C, T" if is_client else "N, C, T or N, C, H, W, T"
        if x.ndim not in ((1, 2, 3, 4) if is_client else (2, 3, 4, 5)):
            raise ValueError(
                f"`x` has shape {x.shape} ({x.ndim} axes), expected [{expected}], or that without "
                "T; add or remove axes."
            )
        if is_client:
            x = x[None] if x.ndim <= 2 else jnp.swapaxes(x, 0, 2)[None]
        if x.ndim % 2 == 0:
            if steps is None:
                raise ValueError(
                    f"`steps` is None, expected a number for data of shape {x.shape} without "
                    "time; say for how many steps to hold them."
                )
            check.whole("steps", steps)
            x = jnp.broadcast_to(x[..., None], (*x.shape, steps))
        elif steps is not None and not 1 <= steps <= x.shape[-1]:
            raise ValueError(
                f"`steps` is {steps}, expected 1 to {x.shape[-1]}, the steps of `x`; "
                "append zeros to `x`."
            )
        check.samples("x", x)
        check.time_steps("x", x, axis=-1)
        x = x if steps is None else x[..., :steps]
        return self._fitted(x, x.shape[1:-1], "N, C, ..., T")

    def one_step(self, x: Any) -> jax.Array:
        """``[N, C, ...]`` int32."""
        x = self._whole(x)
        check.rank("x", x, at_least=2, at_most=4, layout="N, C, ...")
        check.samples("x", x)
        return self._fitted(x, x.shape[1:], "N, C, ...")

    def _fitted(self, x: jax.Array, given: tuple[int, ...], layout: str) -> jax.Array:
        """``x``, if its shape is that of the network's input."""
        first = self.file.layers[0]
        wanted = self.file.input_shape
        if first.type == "dense" or first.type == "dense_rec":
            fits = math.prod(given) == wanted[0]
        elif wanted is not None:
            fits = given == wanted
        elif first.type == "average":
            fits = math.prod(given) % first.shape[0] == 0
        else:
            fits = self._gives(first, given)
        if not fits:
            middle = self._middle(first, wanted)
            raise ValueError(
                f"`x` has shape {x.shape}, expected [{layout}] with {middle} in the middle, "
                f"which layer/0 ({first.type}) of {self.file.path} turns into {list(first.shape)}; "
                "pass data of that size."
            )
        return x

    def _middle(self, first: Any, wanted: tuple[int, ...] | None) -> str:
        """What is known of the size of the input, in words."""
        if wanted is not None:
            return str(list(wanted))
        if first.type == "average":
            return f"a multiple of {first.shape[0]} values"
        if first.kernel is None:
            return "a size"
        channels = "C" if first.groups is None else shapes.input_channels(first)
        return f"[{channels}, H, W]"

    def _gives(self, first: Any, given: tuple[int, ...]) -> bool:
        """Whether a first layer that does not know its input makes its output of this one."""
        if first.kernel is not None:
            if len(given) != 3:
                return False
            if first.groups is not None and given[0] != shapes.input_channels(first):
                return False
        made = shapes.output_shape(first, given)
        return made is not None and made == first.shape

    def _whole(self, x: Any) -> jax.Array:
        """``x`` as int32."""
        if not check.is_concrete(x):
            if jnp.issubdtype(x.dtype, jnp.inexact):
                raise TypeError(
                    f"`x` has dtype {x.dtype} while it is traced, expected whole numbers; "
                    "convert it with `x.astype(jnp.int32)`."
                )
            return x.astype(jnp.int32)
        value = np.asarray(x)
        if value.dtype.kind not in "biuf" and jnp.issubdtype(value.dtype, jnp.floating):
            value = value.astype(np.float32)  # bfloat16 and the like
        if value.dtype.kind not in "biuf":
            raise TypeError(
                f"`x` has dtype {value.dtype}, expected real numbers; convert it to int32."
            )
        check.finite("x", value)
        if self.is_events:
            return jnp.asarray(value != 0).astype(jnp.int32)
        low, high = value.min(initial=0), value.max(initial=0)
        if (value.dtype.kind == "f" and (value != np.trunc(value)).any()) or not (
            -self.largest <= low and high <= self.largest
        ):
            raise ValueError(
                f"`x` holds numbers from {low} to {high}, expected whole ones in "
                f"[-{self.largest}, {self.largest}]; make data with `encode`."
            )
        return jnp.asarray(value.astype(np.int32))


def to_layout(value: jax.Array, is_client: bool) -> jax.Array:
    """``[T, N, ..., C]`` as ``[N, C, ..., T]``, or one sample as ``[W, H, C, T]`` or ``[C, T]``."""
    value = time_last(value)
    if not is_client:
        return value
    return value[0] if value.ndim == 3 else jnp.swapaxes(value[0], 0, 2)


def encoded(file: NetworkFile, x: Any) -> jax.Array:
    """Data of an input layer in integers; see `HardwareNetwork.encode`."""
    layer = file.layers[0]
    if layer.type != "input":
        raise ValueError(
            f"`x` has no input layer to be encoded for: layer/0 of {file.path} is {layer.type}, "
            "expected input; pass events as they are."
        )
    check.finite("x", x)
    one = layer.attributes.get("w_scale", 64)
    data = np.clip(2 * np.round(np.asarray(x, np.float64) * one / 2), -256, 254)
    weight = one if layer.input_weight is None else layer.input_weight
    whole = np.trunc(data * weight / one + layer.input_bias)
    return jnp.asarray(whole.astype(np.int32))
