"""Modules that hash by value, whatever their fields were given as."""

import dataclasses
from typing import Any

import flax
import numpy as np

from jslayer import linen


class Mask:
    """Constant connectivity, hashable so that a module that holds it can be a static value.

    Attributes:
      array: Boolean array, ``True`` where there is a connection.
    """

    def __init__(self, array: Any):
        """Takes any array of zeros and ones, or booleans."""
        array = np.asarray(array)
        if not np.isin(array, (0, 1)).all():
            raise ValueError(
                f"`mask` holds values from {array.min()} to {array.max()}, expected only 0 and 1 "
                "(or booleans); scale weights in the weights, not in the mask."
            )
        self.array = array.astype(bool)
        self._key = (self.array.shape, np.packbits(self.array).tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mask) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Mask({self.array.shape}, {int(self.array.sum())} connections)"

    def over(self, shape: tuple[int, ...]) -> np.ndarray:
        """The mask of a weight of ``shape``; one given per kernel holds for the whole kernel.

        Raises:
          ValueError: it has neither the weight's shape nor that of the weight's kernels.
        """
        per_kernel = shape[:2] if len(shape) == 4 else shape
        if self.array.shape not in (shape, per_kernel):
            kernels = "" if per_kernel == shape else f", or {per_kernel} to mask whole kernels"
            raise ValueError(
                f"`mask` has shape {self.array.shape}, expected that of the weight {shape}"
                f"{kernels}; give one entry per connection."
            )
        missing = len(shape) - self.array.ndim
        return np.broadcast_to(self.array.reshape(self.array.shape + (1,) * missing), shape)


class Hashable(linen.Module):
    """A module whose fields may be arrays, mappings or lists, and are kept in a hashable form.

    ``mask`` may be any array, ``neuron_params`` any mapping, sizes may be lists; the caller's own
    stay as they are.
    """

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name, None)
            if field.name == "mask" and value is not None and not isinstance(value, Mask):
                object.__setattr__(self, "mask", Mask(value))
            elif field.name == "neuron_params" and value is not None:
                held = {name: _tupled(entry) for name, entry in value.items()}
                object.__setattr__(self, "neuron_params", flax.core.freeze(held))
            elif isinstance(value, list):
                object.__setattr__(self, field.name, tuple(value))
        super().__post_init__()


def _tupled(value):
    return tuple(value) if isinstance(value, list) else value
