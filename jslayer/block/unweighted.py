"""Blocks without a synapse: input, flatten, average and decimation in time."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer.block.base import Block
from jslayer.block.replay import replayable
from jslayer.ops import EventBatch, check, event_batch, layout
from jslayer.synapse.base import check_sizes


class Input(Block):
    """Turns data into spikes: quantise, scale, add a bias, neuron, one step of delay.

    ``z = q(x) q(weight) + q(bias)`` with the 8-bit quantiser of weights, which also **clips the
    data** to [-256, 254] / scale. Without a neuron the block only shifts. In complex families ``z``
    drives both parts alike; sigma-delta neurons only encode it.

    Attributes:
      neuron_params: Arguments of the family's neuron, or ``None`` for none.
      weight: First value of a learned factor on the data; ``None``: no factor.
      bias: First value of a learned offset, in units of the weights; ``None``: no offset.
      delay_shift: Delay the output by one step, as the hardware does between layers.
      count_log: Return ``(y, event rate)``, the fraction of outputs that are not zero.
      persistent_state: Without a neuron: carry the events held back to the next call, as a neuron
        in ``neuron_params`` says for itself.
    """

    neuron_params: Mapping[str, Any] | None = None
    weight: float | None = None
    bias: float | None = None
    delay_shift: bool = True
    count_log: bool = False
    persistent_state: bool = False

    def persistent(self) -> bool:
        """True if the block carries its state."""
        return self.persistent_state if self.neuron_params is None else super().persistent()

    def binary(self, incoming: bool) -> bool:
        """As its neuron, or as what comes in."""
        return incoming if self.neuron_params is None else self.new_neuron().as_input().binary

    @nn.compact
    @replayable
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps data ``[N, C, ..., T]`` to spikes of the same shape."""
        y = self.inner(x).astype(jnp.float32)
        self.remember_shape(y)
        if self.neuron_params is not None:
            neuron = self.new_neuron().as_input()
            hook = neuron.quantize_8bit
            y = hook(y)
            if self.weight is not None:
                y = y * hook(self._number("weight", self.weight))
            if self.bias is not None:
                y = y + hook(self._number("bias", self.bias))
            y = self.run_neuron(neuron, (y, y) if neuron.complex_input else y, train)
        if self.delay_shift:
            y = self.shifted(y)
        return self.finish(y)

    def _number(self, name, first):
        return self.param(name, lambda _key: jnp.asarray(first, jnp.float32))


class Flatten(Block):
    """``[N, C, H, W, T] -> [N, C*H*W, T]``, channel slowest.

    Attributes:
      count_log: Return ``(y, None)``, to stand among blocks that count.
    """

    count_log: bool = False

    def binary(self, incoming: bool) -> bool:
        """As what comes in."""
        return incoming

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Flattens all axes between batch and time."""
        del train
        if isinstance(x, EventBatch):  # the lists stay as they are
            x = x.flat()
            self.remember_size(x.dims)
            return (x, None) if self.count_log else x
        layout.check_input(layout.one_part(x), events=True)
        y = _flat(x)
        self.remember_shape(y)
        y = layout.time_last(y)
        return (y, None) if self.count_log else y


class Average(Block):
    """Mean over groups of neurons: ``[N, C, ..., T] -> [N, num_outputs, T]``.

    Neurons in the order C, H, W (C slowest) are cut into ``num_outputs`` groups of equal size.

    Attributes:
      num_outputs: Number of groups.
      count_log: Return ``(y, None)``, to stand among blocks that count.
    """

    num_outputs: int
    count_log: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Averages within each group."""
        del train
        x = layout.one_part(event_batch.dense(x))
        layout.check_input(x, events=True)
        check_sizes(num_outputs=self.num_outputs)
        flat = _flat(x)
        if flat.shape[-1] % self.num_outputs:
            raise ValueError(
                f"`num_outputs` is {self.num_outputs}, expected a divisor of the number of "
                f"neurons, {flat.shape[-1]}; choose another, or change the layer in front."
            )
        groups = flat.reshape(*flat.shape[:2], self.num_outputs, -1)
        y = jnp.mean(groups.astype(jnp.float32), axis=-1)
        self.remember_shape(y)
        y = layout.time_last(y)
        return (y, None) if self.count_log else y


class TimeDecimation(Block):
    """Mean over every ``factor`` steps: ``[N, C, ..., T] -> [N, C, ..., ceil(T / factor)]``.

    Zeros are appended up to a multiple of the factor and count in the mean.

    Attributes:
      factor: Steps that become one; a power of two.
      count_log: Return ``(y, None)``, to stand among blocks that count.
    """

    factor: int
    count_log: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Averages over time."""
        del train
        x = layout.one_part(event_batch.dense(x))
        layout.check_input(x, events=True)
        check.whole("factor", self.factor)
        if self.factor & (self.factor - 1):
            raise ValueError(
                f"`factor` is {self.factor}, expected a power of two, as the hardware divides by "
                "shifting; choose 1, 2, 4, 8, ..."
            )
        steps = x.shape[-1]
        missing = -steps % self.factor
        padded = jnp.pad(x.astype(jnp.float32), ((0, 0),) * (x.ndim - 1) + ((0, missing),))
        y = jnp.mean(padded.reshape(*x.shape[:-1], -1, self.factor), axis=-1)
        return (y, None) if self.count_log else y


def _flat(x):
    """``[N, C, ..., T] -> [T, N, C * ...]``, channel slowest.

    Time goes first here as in every block, so that only the channel's way to the front moves data.
    Booleans and integers are a recording that no block has turned yet: there nothing moves.
    """
    if layout.is_events(x):
        return layout.time_first(x.reshape(x.shape[0], -1, x.shape[-1]))
    y = jnp.moveaxis(layout.time_first(x), -1, 2)
    return y.reshape(*y.shape[:2], -1)
