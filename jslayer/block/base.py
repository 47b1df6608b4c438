"""The blocks, written once; a family (`jslayer.block.cuba`, ...) only names its neuron.

A block is synapse, neuron, one step of delay and learnable delay in a row, on ``[N, C, ..., T]``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer import axon, synapse
from jslayer.ops import layout
from jslayer.ops.shift import step_delay
from jslayer.synapse.base import Hashable

MAX_DELAY = 62
"""Largest learnable delay of a block, in steps: what the hardware can hold."""

Hook = Callable[[jax.Array], jax.Array] | None | Literal["neuron"]
"""Weight hook: a function, ``None`` for none, or ``"neuron"`` for the neuron's quantiser."""


class Block(Hashable):
    """Base of all blocks; they hash by value, so that they can be static arguments."""

    neuron_kind = None  # set by the family; without annotation, so not a field

    def new_neuron(self, **changes: Any) -> nn.Module:
        """The family's neuron, unattached, made from ``neuron_params``."""
        return self.neuron_kind(**{**self.neuron_params, **changes}, parent=None)

    def weight_hook(self) -> Callable[[jax.Array], jax.Array] | None:
        """The hook in use on weights."""
        hook = getattr(self, "pre_hook_fx", "neuron")
        return self.new_neuron().quantize_8bit if hook == "neuron" else hook

    def persistent(self) -> bool:
        """True if the neuron carries its state, so that the block carries its own."""
        return bool((self.neuron_params or {}).get("persistent_state", False))

    def shifted(self, x: jax.Array) -> jax.Array:
        """One step of delay, with the spike held back kept between calls."""
        kept = self.is_mutable_collection("state") or self.has_variable("state", "held_back")
        if not self.persistent() or not kept:
            return step_delay(x)[0]
        held = self.variable("state", "held_back", lambda: jnp.zeros_like(layout.step_first(x[0])))
        y, last = step_delay(x, layout.step_last(held.value))
        if not self.is_initializing() and self.is_mutable_collection("state"):
            held.value = jax.lax.stop_gradient(layout.step_first(last))
        return y

    def finish(self, y: jax.Array) -> Any:
        """Counts events, turns the axes back and returns ``y``, or ``(y, rate)``."""
        # negative graded events count too
        rate = jnp.mean(y != 0, dtype=jnp.float32)
        self.sow("intermediates", "event_rate", rate)
        y = layout.time_last(y)
        return (y, rate) if self.count_log else y

    def inner(self, x: jax.Array) -> jax.Array:
        """Checks the input and turns its axes; events may be booleans.

        Those are turned before they become floats: a quarter of the bytes.
        """
        layout.check_input(x, events=True)
        return layout.time_first(x).astype(jnp.float32)

    def remember_shape(self, x: jax.Array) -> None:
        """Notes the size of one step, which the network file needs, in ``constants`` at init."""
        if self.is_initializing():
            shape = layout.step_first(x[0]).shape[1:]
            self.variable("constants", "shape", lambda: jnp.array(shape, jnp.int32))


class Input(Block):
    """Turns data into spikes: quantise, scale, add a bias, neuron, one step of delay.

    ``z = q(x) q(weight) + q(bias)`` with the 8-bit quantiser of weights, which also **clips the
    data** to [-256, 254] / scale. Without a neuron the block only shifts.

    Attributes:
      neuron_params: Arguments of the family's neuron, or ``None`` for none.
      weight: First value of a learned factor, or ``None``.
      bias: First value of a learned offset, or ``None``.
      delay_shift: Delay the output by one step.
      count_log: Return ``(y, event rate)``.
    """

    neuron_params: Mapping[str, Any] | None = None
    weight: float | None = None
    bias: float | None = None
    delay_shift: bool = True
    count_log: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps data ``[N, C, ..., T]`` to spikes of the same shape."""
        y = self.inner(x)
        self.remember_shape(y)
        if self.neuron_params is not None:
            neuron = self.new_neuron()
            hook = neuron.quantize_8bit
            y = hook(y)
            if self.weight is not None:
                y = y * hook(self._number("weight", self.weight))
            if self.bias is not None:
                y = y + hook(self._number("bias", self.bias))
            y = neuron.clone(parent=self, name="neuron").time_first(y, train=train)
        if self.delay_shift:
            y = self.shifted(y)
        return self.finish(y)

    def _number(self, name, first):
        return self.param(name, lambda _key: jnp.asarray(first, jnp.float32))


class Flatten(Block):
    """``[N, C, H, W, T] -> [N, C*H*W, T]``, channel slowest.

    Attributes:
      count_log: Return ``(y, None)``, to stand in a row with blocks that count.
    """

    count_log: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Flattens all axes between batch and time."""
        del train
        layout.check_input(x, events=True)
        y = x.reshape(x.shape[0], -1, x.shape[-1])
        self.remember_shape(layout.time_first(y))
        return (y, None) if self.count_log else y


class Affine(Block):
    """Dense synapse and a neuron without threshold: the read-out of a network.

    Attributes:
      neuron_params: Arguments of the family's neuron.
      in_neurons: Inputs.
      out_neurons: Outputs.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of the weights apart.
      pre_hook_fx: Weight hook; the neuron's quantiser if not given.
      dynamics: Run the neuron's dynamics and return its voltage; else the weighted sums.
      mask: Connectivity of zeros and ones, ``[out, in]``.
      count_log: Return ``(y, None)``.
    """

    neuron_params: Mapping[str, Any]
    in_neurons: int | tuple[int, ...]
    out_neurons: int
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: Hook = "neuron"
    dynamics: bool = True
    mask: Any = None
    count_log: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps ``[N, in, T]`` to voltages ``[N, out, T]``."""
        y = dense(self).time_first(self.inner(x))
        if self.dynamics:
            neuron = self.new_neuron(readout=True)
            y = neuron.clone(parent=self, name="neuron").time_first(y, train=train)
        y = layout.time_last(y)
        return (y, None) if self.count_log else y


class Dense(Block):
    """Dense synapse and neuron.

    Attributes:
      neuron_params: Arguments of the family's neuron.
      in_neurons: Inputs; a number, or ``(W, H)`` or ``(W, H, C)`` for images.
      out_neurons: Outputs.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of the weights apart.
      pre_hook_fx: Weight hook; the neuron's quantiser if not given.
      delay: Add a learnable delay per output, up to `MAX_DELAY` steps.
      delay_shift: Delay the output by one step.
      mask: Connectivity of zeros and ones, ``[out, in]``.
      count_log: Return ``(y, event rate)``.
    """

    neuron_params: Mapping[str, Any]
    in_neurons: int | tuple[int, ...]
    out_neurons: int
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: Hook = "neuron"
    delay: bool = False
    delay_shift: bool = True
    mask: Any = None
    count_log: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps ``[N, in, T]`` to spikes ``[N, out, T]``."""
        z = dense(self).time_first(self.inner(x))
        neuron = self.new_neuron().clone(parent=self, name="neuron")
        y = neuron.time_first(z, train=train)
        if self.delay:  # both delays in one pass
            line = axon.Delay(
                max_delay=MAX_DELAY, persistent_state=self.persistent(), name="delay_line"
            )
            y = line.time_first(y, shift=int(self.delay_shift))
        elif self.delay_shift:
            y = self.shifted(y)
        return self.finish(y)


def dense(block: Block) -> synapse.Dense:
    """The dense synapse of a block."""
    return synapse.Dense(
        in_neurons=block.in_neurons,
        out_neurons=block.out_neurons,
        weight_scale=block.weight_scale,
        weight_norm=block.weight_norm,
        pre_hook_fx=block.weight_hook(),
        mask=block.mask,
        name="synapse",
    )
