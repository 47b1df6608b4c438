"""What all synapses share: parameters, checks on entry and the turn of the axes."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jslayer.ops import EventBatch, check, layout
from jslayer.ops.forward_mode import reverse_only
from jslayer.synapse import weight as weights
from jslayer.synapse.hashable import Hashable as Hashable
from jslayer.synapse.hashable import Mask as Mask
from jslayer.synapse.reduced_precision import reduced
from jslayer.synapse.weight import Hook as Hook
from jslayer.synapse.weight import grad_norm as grad_norm
from jslayer.synapse.weight import weight_in_use as weight_in_use

DTYPES = (jnp.dtype(jnp.float32), jnp.dtype(jnp.bfloat16))
"""Types that products can be computed in."""


class Synapse(Hashable):
    """Base of the synapses.

    A kind declares its fields and gives `weight_shape`, `in_channels`, `channels_of`,
    `check_layout` and `weighted_sum`. Fields that all have are ``weight_scale``, ``weight_norm``
    and ``pre_hook_fx``.
    """

    kind = None
    """Short name of the kind: "dense", "conv", "convT", "pool" or "unpool"."""

    channel_field = None
    """Name of the field that holds the number of input channels, if there is one."""

    parts = 1
    """Weights per connection: 2 in a complex synapse."""

    mask = None  # without annotation, so not a field: kinds that can be masked declare one

    dtype = None  # likewise: kinds that are a product declare it

    reads_events = False
    """True if `weighted_sum` takes booleans ``[T, N, C]`` as they are."""

    def __call__(self, x: jax.Array) -> Any:
        """Maps ``[N, C, ..., T]`` to the weighted sums of every time step.

        Args:
          x: Spikes of the layer before, floating-point; computed with in float32. Or a batch of
            lists of events.

        Returns:
          The drive of the layer behind, float32; a complex synapse gives ``(real, imag)``.

        Raises:
          TypeError: ``x`` is complex or no floating-point array.
          ValueError: ``x`` has the wrong rank or size, no time step, or NaN.
        """
        if not isinstance(x, EventBatch):
            check_real("x", x)
            layout.check_input(x)
            x = layout.time_first(x)
        return jax.tree.map(layout.time_last, self.time_first(x))

    @nn.compact
    def time_first(self, x: jax.Array | EventBatch) -> Any:
        """``[T, N, ..., C] -> [T, N, ..., out]``, the same on the inner order of the axes.

        A batch of lists of events, in the outer order, becomes its tensor where the kind does not
        read lists.
        """
        if isinstance(x, EventBatch) and not self.reads_lists(x):
            x = layout.time_first(x.to_dense())
        weight = self.effective_weight(self.shape_for(x))
        if not isinstance(x, EventBatch):
            events = self.reads_events and x.dtype == jnp.bool_ and x.ndim == 3
            x = x if events else x.astype(jnp.float32)
        x, weight = layout.vary_alike(x, weight)
        if self.dtype is None:
            return self.weighted_sum(x, weight)
        check.choice("dtype", jnp.dtype(self.dtype), DTYPES)
        return reverse_only(reduced)(self.weighted_sum, self.dtype, x, weight)

    def shape_for(self, x: jax.Array | EventBatch) -> tuple[int, ...]:
        """The weight's shape for a time-first ``x``, which is checked against it.

        Raises:
          TypeError: ``x`` is complex.
          ValueError: ``x`` has the wrong rank or number of channels.
        """
        if isinstance(x, EventBatch):
            shape = x.shape
        else:
            check_real("x", x)
            shape = (x.shape[1], x.shape[-1], *x.shape[2:-1], x.shape[0])
        outer = jax.ShapeDtypeStruct(shape, jnp.float32)
        self.check_layout(outer)
        channels = self.in_channels()
        if channels is None:
            channels = self._stored_channels() or outer.shape[1]
        shape = self.weight_shape(channels)
        if self.channel_field is not None:
            meaning = f"{self.channel_field}, channels"
            check.axis_size("x", outer, axis=1, size=channels, meaning=meaning)
        return shape

    def reads_lists(self, x: EventBatch) -> bool:
        """True if `weighted_sum` takes this batch of lists of events as it is."""
        del x
        return False

    def in_channels(self) -> int | None:
        """Input channels as declared; ``None`` where they are found from the input."""
        return None if self.channel_field is None else getattr(self, self.channel_field)

    def weight_shape(self, in_channels: int | None = None) -> tuple[int, ...]:
        """Shape of the stored weight.

        Args:
          in_channels: Input channels, where the layer does not declare them.

        Raises:
          TypeError: a size is no whole number.
          ValueError: sizes do not fit together, or the number of channels is not known.
        """
        raise NotImplementedError

    def channels_of(self, weight_shape: tuple[int, ...]) -> int | None:
        """Input channels of a weight of that shape, the inverse of `weight_shape`."""
        raise NotImplementedError

    def check_layout(self, x: jax.ShapeDtypeStruct) -> None:
        """Raises ``ValueError`` unless ``[N, C, ..., T]`` has the axes that the kind takes."""
        raise NotImplementedError

    def weighted_sum(self, x: Any, weight: jax.Array) -> jax.Array:
        """The kind's linear map, on ``[T, N, ..., C]`` float32 and a weight in use.

        Where the kind `reads_events`, ``[T, N, C]`` may be booleans; where it `reads_lists`, a
        batch of them.
        """
        raise NotImplementedError

    def effective_weight(self, shape: tuple[int, ...]) -> jax.Array:
        """The weight in use: normalised, masked, quantised.

        The stored weight has ``shape``, drawn uniformly within ``weight_scale / sqrt(fan_in)``.
        With weight norm it is ``weight_g weight_v / |weight_v|``, one norm per entry of axis 0, and
        masked entries do not count. Masked entries are exactly zero and get no gradient.

        Raises:
          ValueError: ``mask`` or a stored weight does not fit ``shape``.
        """
        if self.mask is not None:
            self.mask.over(shape)
        return self.weight_in_use(self.parameters(shape))

    def parameters(self, shape: tuple[int, ...]) -> dict[str, jax.Array]:
        """The stored parameters, drawn where there are none yet."""
        name = self._stored_name()
        if self.has_variable("params", name):
            found = jnp.shape(self.get_variable("params", name))
            if found != shape:
                raise ValueError(
                    f"`params` hold a `{name}` of shape {found}, expected {shape}; "
                    "pass the parameters of this layer."
                )
        first = self.param(name, self.draw, shape)
        if not self.weight_norm:
            return {"weight": first}
        # the first length is the drawn one, so that weight norm changes nothing at the start
        lengths = lambda _key: weights.length(weights.masked(first, self.mask))
        return {"weight_v": first, "weight_g": self.param("weight_g", lengths)}

    def weight_in_use(self, params: Mapping[str, Any]) -> jax.Array:
        """The weight in use, from the layer's own ``params``; needs no bound module."""
        return weight_in_use(params, self.pre_hook_fx, self.mask)

    def draw(self, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """First value of the stored weight."""
        bound = 1 / np.sqrt(np.prod(shape[1:]))
        return self.weight_scale * jax.random.uniform(key, shape, jnp.float32, -bound, bound)

    def _stored_name(self):
        return "weight_v" if self.weight_norm else "weight"

    def _stored_channels(self):
        """Input channels of the weight that is there, ``None`` if there is none."""
        if self.scope is None or not self.has_variable("params", self._stored_name()):
            return None
        return self.channels_of(jnp.shape(self.get_variable("params", self._stored_name())))


def check_real(name: str, x: Any) -> None:
    """Raises ``TypeError`` if ``x`` is complex: a pair, or an array of complex numbers."""
    if isinstance(x, tuple | list):
        came = f"is a {type(x).__name__} of {len(x)}"
    elif jnp.issubdtype(jnp.result_type(x), jnp.complexfloating):
        came = f"has dtype {jnp.result_type(x)}"
    else:
        return
    raise TypeError(
        f"`{name}` {came}, expected one real floating-point array; spikes are real, so pass them "
        "or one part at a time."
    )


def check_sizes(**sizes: int) -> None:
    """Raises unless every size is a whole number above zero."""
    for name, size in sizes.items():
        check_whole(name, size)
        check.positive(name, size)


def check_whole(name: str, size: Any) -> None:
    """Raises ``TypeError`` unless ``size`` is a whole number."""
    if not isinstance(size, int | np.integer) or isinstance(size, bool):
        raise TypeError(f"`{name}` is {size!r}, expected a whole number; give a size.")


def known(name: str, declared: int | None, given: int | None) -> int:
    """The number of input channels, declared by the layer or given by the caller.

    Raises:
      TypeError: it is no whole number.
      ValueError: neither is there, both differ, or it is not above zero.
    """
    channels = given if declared is None else declared
    if channels is None:
        raise ValueError(
            f"`{name}` is None, expected a number where there is no input; pass `in_channels`."
        )
    check_sizes(**{name: channels})
    if given is not None and given != channels:
        raise ValueError(f"`in_channels` is {given}, expected {channels} ({name}); leave it out.")
    return int(channels)
