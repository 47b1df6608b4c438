"""The blocks that a network calls, met while it runs."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax

from jslayer.block import replay
from jslayer.block.base import Block
from jslayer.block.sequential import takes_train

Variables = Mapping[str, Any]


class Call(NamedTuple):
    """A call of a block.

    Attributes:
      path: Names of the block's variables in the network's, from outside in.
      block: The block, unattached.
      x: What it read.
      y: What it sent, without a count.
    """

    path: tuple[str, ...]
    block: Block
    x: Any
    y: Any


Instead = Callable[[Block, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""What is done in place of a block's call: ``(bound block, call, arguments, options) -> y``."""


@contextlib.contextmanager
def blocks_called(instead: Instead) -> Iterator[None]:
    """Inside, something else is done where a block is called, or that and something besides."""
    inside = False

    def watch(
        call: Callable[..., Any],
        arguments: Any,
        options: Any,
        context: nn.module.InterceptorContext,
    ) -> Any:
        nonlocal inside
        block = context.module
        if inside or context.method_name != "__call__" or not isinstance(block, Block):
            return call(*arguments, **options)
        inside = True  # a block that runs in this one's place is the same once more
        try:
            return instead(block, call, arguments, options)
        finally:
            inside = False

    with replay.off(), nn.intercept_methods(watch):
        yield


def run(network: nn.Module, variables: Variables, x: Any) -> Any:
    """The network's outputs in evaluation."""
    options = {"train": False} if takes_train(network) else {}
    return network.apply(variables, x, **options)


def calls_of(network: nn.Module, variables: Variables, x: jax.Array) -> list[Call]:
    """All calls of blocks while the network runs once, in order."""
    found: list[Call] = []

    def noted(block: Block, call: Any, arguments: Any, options: Any) -> Any:
        y = call(*arguments, **options)
        given = arguments[0] if arguments else options["x"]
        sent = y[0] if isinstance(y, tuple) else y
        found.append(Call(path_of(block), unattached(block), given, sent))
        return y

    with blocks_called(noted):
        run(network, variables, x)
    return found


def called_blocks(
    network: nn.Module, variables: Variables, sample: jax.ShapeDtypeStruct
) -> dict[tuple[str, ...], Block]:
    """The blocks that a network calls, unattached, by path; nothing is computed."""
    found: dict[tuple[str, ...], Block] = {}

    def noted(block: Block, call: Any, arguments: Any, options: Any) -> Any:
        found[path_of(block)] = unattached(block)
        return call(*arguments, **options)

    with blocks_called(noted):
        jax.eval_shape(lambda held, x: run(network, held, x), variables, sample)
    return found


def path_of(block: nn.Module) -> tuple[str, ...]:
    """Names of a bound block's variables, from outside in."""
    return tuple(block.scope.path) if block.scope is not None else ()


def unattached(block: Block) -> Block:
    """The same block without variables."""
    return block.clone(parent=None, name=None)
