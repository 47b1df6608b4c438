"""One layer of the hardware, over a stretch of time."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jslayer.hdf5.run.model import Model
from jslayer.hdf5.run.synapses import Synapse, channel_slowest
from jslayer.ops.time_loop import time_loop

Tree = Any


@dataclasses.dataclass(frozen=True)
class Stage:
    """A layer that changes data, in what is known before any data come.

    Attributes:
      number: Number of its layer.
      type: Type of its layer.
      shape: One step of its output, channel last.
      inputs: Number of its inputs, where its delays belong to them, else 0.
      model: Its neuron; ``None`` for layers that only rearrange.
      synapse: Its synapse; ``None`` for layers without weights.
      recurrent: The synapse from its own spikes.
      parts: 2 for complex synapses, else 1.
      sources: Layers that a concat joins.
      held: Steps by which it holds back each of them.
      channels: Channels of each of them.
      delayed: What its delays are applied to: ``sums``, ``inputs`` or ``messages``.
      longest: Largest delay.
      reset_step: Its states are wiped before the step of this number, modulo the interval.
    """

    number: int
    type: str
    shape: tuple[int, ...]
    inputs: int = 0
    model: Model | None = None
    synapse: Synapse | None = None
    recurrent: Synapse | None = None
    parts: int = 1
    sources: tuple[int, ...] = ()
    held: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    delayed: str = "sums"
    longest: int = 0
    reset_step: int = 0

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what it gives."""
        return ("spike",) if self.model is None else self.model.outputs

    def init(self, batch: int) -> Tree:
        """State before the first step: neurons at rest, nothing under way."""
        row = (batch, *self.shape)
        state: dict[str, Tree] = {}
        if any(self.held):
            state["held"] = tuple(
                jnp.zeros((steps, *row[:-1], channels), jnp.int32)
                for steps, channels in zip(self.held, self.channels, strict=True)
            )
        if self.model is not None:
            state["neuron"] = {name: jnp.zeros(row, jnp.int32) for name in self.model.states}
        if self.synapse is not None:
            steps = 1 + (self.longest if self.delayed == "sums" else 0)
            state["sums"] = (jnp.zeros((steps, *row), jnp.int32),) * self.parts
        if self.delayed == "inputs":
            state["inputs"] = jnp.zeros((self.longest, batch, self.inputs), jnp.int32)
        if self.recurrent is not None:
            state["sent"] = jnp.zeros(row, jnp.int32)
        if self.delayed == "messages":
            state["messages"] = jnp.zeros((self.longest, *row), jnp.int32)
        return state

    def join(self, state: Tree, parts: Sequence[jax.Array]) -> tuple[Tree, jax.Array]:
        """What a concat makes of its sources ``[T, N, ..., C]``, and its state after that."""
        if not any(self.held):
            return state, jnp.concatenate(parts, axis=-1)
        moved = [
            late(past, new, None, steps)
            for past, new, steps in zip(state["held"], parts, self.held, strict=True)
        ]
        state = {**state, "held": tuple(past for _, past in moved)}
        return state, jnp.concatenate([new for new, _ in moved], axis=-1)

    def run(
        self, params: Tree, state: Tree, x: jax.Array, wiped: jax.Array | None
    ) -> tuple[Tree, Mapping[str, jax.Array]]:
        """Runs a stretch of time.

        Args:
          params: Its arrays.
          state: State before the first step.
          x: ``[T, N, ..., C]`` int32 messages of the layer before, or data.
          wiped: ``[T]`` booleans: wipe the neuron's states before the step; ``None`` for never.

        Returns:
          The state after the last step, and outputs by name, ``[T, N, ..., C]``.
        """
        if self.model is None:
            return state, {"spike": self._rearranged(x)}
        after = dict(state)
        if self.synapse is None:
            drive: tuple[jax.Array, ...] = (x,)
        else:
            drive, after = self._summed(params, after, x)
        after, outputs = self._integrated(params, after, drive, wiped)
        if self.delayed == "messages":
            outputs = dict(outputs)
            outputs["spike"], after["messages"] = late(
                after["messages"], outputs["spike"], params["delay"], self.longest
            )
        return after, outputs

    def _rearranged(self, x):
        if self.type == "flatten":
            return channel_slowest(x, 2)
        if self.type == "average":
            groups = channel_slowest(x, 2).reshape(*x.shape[:2], self.shape[0], -1)
            total = jnp.sum(groups, axis=-1).astype(jnp.float32)
            return total / groups.shape[-1]
        return x

    def _summed(self, params, after, x):
        """The sums of the synapse, at least one step late."""
        if self.delayed == "inputs":
            x = channel_slowest(x, 2)
            x, after["inputs"] = late(after["inputs"], x, params["delay"], self.longest)
        images = x.reshape(-1, *x.shape[2:])
        sums = [self.synapse(weight, images) for weight in params["weight"]]
        summed = [part.reshape(*x.shape[:2], *part.shape[1:]) for part in sums]
        delay = params.get("delay") if self.delayed == "sums" else None
        moved = [
            late(past, row, delay, self.longest)
            for past, row in zip(after["sums"], summed, strict=True)
        ]
        after["sums"] = tuple(past for _, past in moved)
        return tuple(row for row, _ in moved), after

    def _integrated(self, params, after, drive, wiped):
        """The neuron, step by step, with its own spikes where it is recurrent."""

        def step(carry, now):
            state, sent = carry
            drive, wipe = now
            if wipe is not None:
                state = jax.tree.map(lambda value: jnp.where(wipe, 0, value), state)
            if self.recurrent is not None:
                fed = [self.recurrent(weight, sent) for weight in params["weight_rec"]]
                drive = tuple(a + b for a, b in zip(drive, fed, strict=True))
            state, outputs = self.model.step(params["neuron"], state, drive)
            return (state, outputs["spike"] if self.recurrent is not None else None), outputs

        start = (after["neuron"], after.get("sent"))
        (after["neuron"], sent), outputs = time_loop(step, start, (drive, wiped))
        if self.recurrent is not None:
            after["sent"] = sent
        return after, outputs


def late(
    past: jax.Array, new: jax.Array, delay: jax.Array | None, longest: int
) -> tuple[jax.Array, jax.Array]:
    """The last steps of the past, then the new ones, each channel late by its delay.

    ``y[t, ..., c] = joined[t + longest - delay_c, ..., c]``: with as many steps of the past as the
    longest delay that is a delay of ``delay_c`` steps, and with one more it is one step more.

    Args:
      past: ``[longest or longest + 1, ..., C]``.
      new: ``[T, ..., C]``.
      delay: ``[]`` or ``[C]`` int32; ``None`` for none.
      longest: Largest delay.

    Returns:
      ``[T, ..., C]`` and the past of the next stretch.
    """
    joined = jnp.concatenate([past, new])
    steps = new.shape[0]
    kept = joined[steps:]
    if delay is None:
        return joined[:steps], kept
    times = jnp.arange(steps, dtype=jnp.int32).reshape((-1,) + (1,) * (new.ndim - 1))
    index = jnp.broadcast_to(times + longest - delay, new.shape)
    return jnp.take_along_axis(joined, index, axis=0), kept
