"""Runs a network once and keeps what each block sent, and how its weights are quantised."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer.block import replay
from jslayer.block.base import Block
from jslayer.neuron import sigma_delta

SENT = "events_per_step"
"""Name under which a block's activity is kept in ``intermediates``."""

GIVEN = "given"
"""Name under which is kept what a read-out gives: the state that no trace shows."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """A block with a neuron, as met in a call.

    Attributes:
      path: Its names from the network's root.
      hook: What quantises its weights, or ``None``.
      half_step: Half of the distance of two weights on the grid.
      spiking: Its neurons spike; it is no sigma-delta layer, which may well send in every step.
      neuron: The neuron that runs, unattached.
      weight_scale: Of its block, or ``None``.
      readout: It gives a number in every step, and sends no events.
    """

    path: tuple[str, ...]
    hook: Callable[[jax.Array], jax.Array] | None
    half_step: float
    spiking: bool
    neuron: Any
    weight_scale: float | None
    readout: bool

    @property
    def name(self) -> str:
        """Its path as text."""
        return "/".join(self.path) or "network"


@contextlib.contextmanager
def probing(layers: list[Layer]) -> Iterator[None]:
    """Inside, blocks append themselves to ``layers`` and leave their activity in `SENT`.

    The activity is the part of steps, over the batch, in which each neuron sent an event,
    ``[..., C]``; the first step is left out, since a delay of one step makes it silent.
    """

    def watch(
        call: Callable[..., Any],
        arguments: Any,
        options: Any,
        context: nn.module.InterceptorContext,
    ) -> Any:
        found = call(*arguments, **options)
        module = context.module
        if not isinstance(module, Block) or getattr(module, "neuron_params", None) is None:
            return found
        if context.method_name == "finish":
            y = arguments[0]
            y = y[1:] if y.shape[0] > 1 else y
            module.sow("intermediates", SENT, jnp.mean(y != 0, axis=(0, 1), dtype=jnp.float32))
        elif context.method_name == "__call__":
            own = getattr(module, "layer_neuron", module.new_neuron)()
            neuron = module.new_neuron()
            layer = Layer(
                path=tuple(module.scope.path),
                hook=module.weight_hook(),
                half_step=1 / neuron.scale,
                spiking=not isinstance(neuron, sigma_delta.Neuron),
                neuron=own,
                weight_scale=getattr(module, "weight_scale", None),
                readout=own.main_output != neuron.main_output or getattr(own, "readout", False),
            )
            if layer.readout and getattr(module, "dynamics", True):
                given = found[0] if isinstance(found, tuple) else found
                module.sow("intermediates", GIVEN, given)
            if layer.path not in [other.path for other in layers]:
                layers.append(layer)
        return found

    with replay.off(), nn.intercept_methods(watch):
        yield


def below(tree: Any, path: tuple[str, ...]) -> Any:
    """The part of a nest of mappings at ``path``; empty where there is none."""
    for name in path:
        tree = tree.get(name, {}) if hasattr(tree, "get") else {}
    return tree
