"""Networks that run in pieces of time: making them so, and refusing what cannot."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer.block.altered import altered, as_called
from jslayer.block.base import Block
from jslayer.block.sequential import Sequential, is_own
from jslayer.block.unweighted import TimeDecimation
from jslayer.persistence import COLLECTION


def persistent(module: nn.Module) -> nn.Module:
    """The same network with every block carrying its state from call to call.

    Args:
      module: A block, a `Sequential` or `Graph`, or a module of your own that calls blocks: that
        is run with persistent ones in their place, whatever its ``__call__`` does between them.

    Returns:
      A network with the same parameters.

    Example:
      >>> from jslayer.block import cuba
      >>> layer = cuba.Dense(dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03), 3, 2)
      >>> persistent(layer).persistent()
      True
    """
    if isinstance(module, Sequential):
        return module.clone(blocks=tuple(persistent(block) for block in module.blocks))
    kept = _persistent_part(module)
    if kept is not module or not is_own(module):
        return kept
    return altered(module, _persistent_part)


def _persistent_part(module: nn.Module) -> nn.Module:
    """A block, neuron, axon or dendrite with its state carried; another module as it is."""
    if isinstance(module, Block) and getattr(module, "neuron_params", None) is not None:
        if module.persistent():
            return module
        return module.clone(neuron_params={**module.neuron_params, "persistent_state": True})
    if getattr(module, "persistent_state", True):
        return module
    return module.clone(persistent_state=True)


def at_rest(module: nn.Module, *inputs: Any) -> Mapping[str, Any]:
    """The state of a network before its first step; inside `jit` nothing else is computed.

    Args:
      module: A network whose blocks keep their state.
      *inputs: What it is called with.

    Returns:
      The collection ``state``, empty if there is none.
    """
    return module.init(jax.random.key(0), *inputs).get(COLLECTION, {})


def zeros_of(shapes: Any) -> Any:
    """What carries gradients across calls, before the first call: zeros of the shapes it leaves."""
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


@contextlib.contextmanager
def only_persistent(where: str, *, train: bool = False) -> Iterator[None]:
    """Refuses, inside, any block, neuron, axon or dendrite that would forget between two steps.

    Args:
      where: Who needs it, for the message.
      train: Batch statistics are in use, which single steps do not have.

    Raises:
      ValueError: at the call of one without ``persistent_state``, of one with a norm while
        training, of a `TimeDecimation`, or of a block that was called before in the same step.
    """
    met: dict[tuple[int, tuple[str, ...]], Any] = {}
    running: list[nn.Module] = []

    def check(
        call: Callable[..., Any],
        arguments: Any,
        options: Any,
        context: nn.module.InterceptorContext,
    ) -> Any:
        module = context.module
        if context.method_name in ("__call__", "time_first") and as_called(module) is not module:
            return call(*arguments, **options)  # another is called in its place, and looked at
        if context.method_name == "__call__" and isinstance(module, Block):
            if any(other is module for other in running):  # a derived block calls that of its base
                return call(*arguments, **options)
            _refuse(module, where, train)
            _refuse_again(module, where, met)
            running.append(module)
            try:
                return call(*arguments, **options)
            finally:
                running.pop()
        if context.method_name == "time_first":
            _refuse_part(module, where, train)
        return call(*arguments, **options)

    with nn.intercept_methods(check):
        yield


def _name(module):
    path = module.scope.path if module.scope is not None else ()
    return "/".join(path) or type(module).__name__


def _refuse_again(block, where, met):
    """A block's second call in a step would go on from the state that its first has left."""
    if block.scope is None or not block.persistent():
        return
    key = id(block.scope.root), tuple(block.scope.path)
    if key in met:
        raise ValueError(
            f"{_name(block)} is called twice, expected one call in {where}, where a block has one "
            "state for all steps; give each call a block of its own."
        )
    met[key] = block.scope.root  # held, so that no other gets its number


def _refuse_part(module, where, train):
    """Neurons, axons and dendrites, alone or in a block."""
    if not getattr(module, "persistent_state", True):
        raise ValueError(
            f"{_name(module)} has no persistent_state=True, expected it in {where}, where every "
            "step is a call of its own; set it."
        )
    if train and getattr(module, "norm", None) is not None:
        raise ValueError(
            f"`norm` of {_name(module)} is given, expected None in {where} while training: the "
            "mean of a batch is not known step by step; train without it."
        )


def _refuse(block, where, train):
    name = _name(block)
    if isinstance(block, TimeDecimation) and block.factor > 1:
        raise ValueError(
            f"{name} is a TimeDecimation of {block.factor} steps, expected none in {where}, where "
            "steps come one by one; decimate in front of it, or behind."
        )
    params = getattr(block, "neuron_params", None)
    if params is None:
        if getattr(block, "delay_shift", False) and not block.persistent():
            raise ValueError(
                f"{name} delays by one step and has no persistent_state=True, expected it in "
                f"{where}, where every step is a call of its own; set it, or delay_shift=False."
            )
        return
    if not block.persistent():
        raise ValueError(
            f"`neuron_params` of {name} have no persistent_state=True, expected it in {where}, "
            "where every step is a call of its own; set it, or use `block.persistent(network)`."
        )
