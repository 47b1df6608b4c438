"""The blocks that a network calls, met while it runs."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax

from jslayer.block import replay
from jslayer.block.base import Block
from jslayer.block.graph import own_variables
from jslayer.block.sequential import takes_train
from jslayer.ops import event_batch

Variables = Mapping[str, Any]


class Calls(NamedTuple):
    """A block, and what went through it while its network ran once.

    Attributes:
      path: Names of its variables in the network's, from outside in.
      block: The block, unattached.
      pairs: For each call what it read, and what it sent without a count.
    """

    path: tuple[str, ...]
    block: Block
    pairs: list[tuple[jax.Array, jax.Array]]


SEEN = "read_and_sent"
"""Name under which is kept what goes through a block, in ``intermediates``."""

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


def run(network: nn.Module, variables: Variables, x: Any, **options: Any) -> Any:
    """The network's outputs in evaluation; options are those of `flax.linen.Module.apply`."""
    if takes_train(network):
        options["train"] = False
    return network.apply(variables, x, **options)


def calls_of(network: nn.Module, variables: Variables, x: jax.Array) -> list[Calls]:
    """The blocks that a network calls and what goes through them, in the order of first calls."""
    found: dict[tuple[str, ...], Block] = {}

    def noted(block: Block, call: Any, arguments: Any, options: Any) -> Any:
        y = call(*arguments, **options)
        read = event_batch.dense(arguments[0] if arguments else options["x"])
        sent = event_batch.dense(y[0] if isinstance(y, tuple) else y)
        found.setdefault(path_of(block), unattached(block))
        block.sow("intermediates", SEEN, (read, sent))
        return y

    held = {name: tree for name, tree in variables.items() if name != "intermediates"}
    with blocks_called(noted):
        _, kept = run(network, held, x, mutable=["intermediates"])
    pairs = lambda path: own_variables(path, kept)["intermediates"][SEEN]
    return [Calls(path, block, list(pairs(path))) for path, block in found.items()]


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
