"""What all synapses share: the weight, its norm, its mask and its quantising hook."""

from collections.abc import Callable, Mapping
from typing import Any

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jslayer.ops import check, layout

Hook = Callable[[jax.Array], jax.Array]


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


def _frozen(mapping):
    tupled = {k: tuple(v) if isinstance(v, list) else v for k, v in mapping.items()}
    return flax.core.freeze(tupled)


class Hashable(nn.Module):
    """A module whose fields may be arrays, mappings or lists, and are kept in a hashable form.

    ``mask`` may be any array, ``neuron_params`` any mapping, ``in_neurons`` a list; the caller's
    own stay as they are.
    """

    def __post_init__(self):
        mask = getattr(self, "mask", None)
        if mask is not None and not isinstance(mask, Mask):
            object.__setattr__(self, "mask", Mask(mask))
        neuron_params = getattr(self, "neuron_params", None)
        if neuron_params is not None:
            object.__setattr__(self, "neuron_params", _frozen(neuron_params))
        if isinstance(getattr(self, "in_neurons", None), list):
            object.__setattr__(self, "in_neurons", tuple(self.in_neurons))
        super().__post_init__()


class Synapse(Hashable):
    """Base of the synapses; a kind declares its fields, its weight's shape and `time_first`."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps ``[N, C, ..., T]`` to the weighted sums of every time step.

        Args:
          x: Spikes of the layer before, float32.

        Returns:
          The drive of the layer behind, float32.

        Raises:
          TypeError: ``x`` is not floating-point.
          ValueError: ``x`` has the wrong rank or size, no time step, or NaN.
        """
        layout.check_input(x)
        return layout.time_last(self.time_first(layout.time_first(x)))

    def effective_weight(self, shape: tuple[int, ...]) -> jax.Array:
        """The weight in use: normalised, masked, quantised.

        The stored weight has ``shape``, drawn uniformly within ``weight_scale / sqrt(fan_in)``.
        With weight norm it is ``weight_g weight_v / |weight_v|``, one norm per entry of axis 0, and
        masked entries do not count. Masked entries are exactly zero and get no gradient.
        """
        if self.mask is not None and self.mask.array.shape != shape:
            raise ValueError(
                f"`mask` has shape {self.mask.array.shape}, expected that of the weight {shape}; "
                "give one entry per connection."
            )
        if not self.weight_norm:
            params = {"weight": self.param("weight", self._draw, shape)}
        else:
            direction = self.param("weight_v", self._draw, shape)
            # the first length is the drawn one, so that weight norm changes nothing at the start
            length = self.param("weight_g", lambda _key: _length(_masked(direction, self.mask)))
            params = {"weight_v": direction, "weight_g": length}
        return weight_in_use(params, self.pre_hook_fx, self.mask)

    def _draw(self, key, shape):
        bound = 1 / np.sqrt(np.prod(shape[1:]))
        return self.weight_scale * jax.random.uniform(key, shape, jnp.float32, -bound, bound)


_TINY = 1e-30


def _masked(weight, mask):
    return weight if mask is None else weight * mask.array.astype(np.float32)


def _length(weight):
    """Euclidean length over all axes but the first, kept as axes; safe to differentiate at 0."""
    square = jnp.sum(weight * weight, axis=tuple(range(1, weight.ndim)), keepdims=True)
    alive = square > 0
    return jnp.where(alive, jnp.sqrt(jnp.where(alive, square, 1.0)), 0.0)


def weight_in_use(params: Mapping[str, Any], hook: Hook | None, mask: Mask | None) -> jax.Array:
    """The weight in use, from a synapse's ``params``: what its forward pass computes.

    Args:
      params: ``{"weight"}``, or ``{"weight_v", "weight_g"}``.
      hook: Quantiser, or ``None``.
      mask: Connectivity, or ``None``.

    Returns:
      float32, shaped like the stored weight.
    """
    if "weight" in params:
        weight = _masked(params["weight"], mask)
    else:
        direction = _masked(params["weight_v"], mask)
        weight = direction * (params["weight_g"] / jnp.maximum(_length(direction), _TINY))
    return weight if hook is None else hook(weight)


def grad_norm(gradients: Mapping[str, jax.Array]) -> jax.Array:
    """Size of a synapse's gradient: ``|g|_2 / numel(g)`` of ``weight``, or of ``weight_g``.

    Args:
      gradients: The synapse's gradients by parameter name.

    Returns:
      A float32 scalar.
    """
    gradient = gradients["weight_g"] if "weight_g" in gradients else gradients["weight"]
    return jnp.linalg.norm(jnp.ravel(gradient)) / gradient.size


def check_sizes(**sizes: int) -> None:
    """Raises unless every size is a whole number above zero."""
    for name, size in sizes.items():
        if not isinstance(size, int | np.integer) or isinstance(size, bool):
            raise TypeError(f"`{name}` is {size!r}, expected a whole number; give a size.")
        check.positive(name, size)
