"""Blocks that read one another in any order: skip paths, branches, several heads."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.core import Scope

from jslayer.block.sequential import Sequential, called
from jslayer.ops import event_batch

joining: weakref.WeakSet[Scope] = weakref.WeakSet()
"""Scopes of graphs with joins: a bound block knows its scope's parent, and no longer its graph."""


class Graph(Sequential):
    """Runs blocks of which each reads the outputs of one or several blocks before it.

    What several blocks send is joined along the channels. Parameters are under ``blocks_0``,
    ``blocks_1``, ..., and everything that takes a `Sequential` takes a graph as well.

    Attributes:
      blocks: The blocks, or whatever may stand in a `Sequential`; each behind those that it reads.
      sources: For each block the numbers of the blocks that it reads, from 0; -1 is the network's
        input.
      outputs: Numbers of the blocks whose outputs are returned.

    Example:
      A path around the second block, and a head on each of the two:

      >>> import jax, jax.numpy as jnp
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> network = Graph(
      ...     [cuba.Dense(neuron, 6, 4), cuba.Dense(neuron, 4, 3), cuba.Dense(neuron, 7, 2)],
      ...     sources=[(-1,), (0,), (1, 0)],
      ...     outputs=[1, 2],
      ... )
      >>> x = jnp.ones((1, 6, 20))
      >>> variables = network.init(jax.random.key(0), x)
      >>> [y.shape for y in network.apply(variables, x)]
      [(1, 3, 20), (1, 2, 20)]
    """

    sources: Sequence[Sequence[int]]
    outputs: Sequence[int]

    def __post_init__(self):
        object.__setattr__(self, "sources", tuple(tuple(read) for read in self.sources))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        self._check()
        super().__post_init__()
        if self.scope is not None and not self.is_chain:
            joining.add(self.scope)

    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps data to the outputs; counts of blocks with ``count_log`` come along.

        Args:
          x: ``[N, C, ..., T]`` float32.
          train: Passed to every block that takes it.

        Returns:
          The output, or a list of them if ``outputs`` names several; with blocks that count a pair
          of that and the list of counts.
        """
        sent, binaries, counts, counted = {-1: x}, {-1: False}, [], False
        for number, block in enumerate(self.blocks):
            read = self.sources[number]
            joined = join(number, [sent[source] for source in read])
            binary = all(binaries[source] for source in read)
            y, count, binaries[number] = called(block, joined, train=train, binary=binary)
            sent[number] = y
            counted |= bool(count)
            counts.append(count[0] if count else None)
        y = [sent[number] for number in self.outputs]
        y = y[0] if len(y) == 1 else y
        return (y, counts) if counted else y

    def reads(self, number: int) -> tuple[int, ...]:
        """Numbers of the blocks whose outputs block ``number`` reads; -1 is the network's input."""
        return self.sources[number]

    @property
    def ends(self) -> tuple[int, ...]:
        """Numbers of the blocks whose outputs the network returns."""
        return self.outputs

    @property
    def is_chain(self) -> bool:
        """True where each block reads the one before it alone, and the last is the output."""
        chain = tuple((number - 1,) for number in range(len(self.blocks)))
        return self.sources == chain and self.outputs == (len(self.blocks) - 1,)

    @nn.nowrap
    def _check(self) -> None:
        count = len(self.blocks)
        if len(self.sources) != count:
            raise ValueError(
                f"`sources` has {len(self.sources)} entries for {count} blocks, expected one for "
                "each; name the blocks that each of them reads."
            )
        for number, read in enumerate(self.sources):
            if not read or not all(-1 <= source < number for source in read):
                raise ValueError(
                    f"`sources[{number}]` is {read}, expected numbers of blocks before "
                    f"{number}, or -1 for the network's input; put the block behind what it reads."
                )
        if not self.outputs or not all(0 <= number < count for number in self.outputs):
            raise ValueError(
                f"`outputs` is {self.outputs}, expected numbers of blocks, 0 to {count - 1}; name "
                "those whose outputs are wanted."
            )
        used = {source for read in self.sources for source in read} | set(self.outputs)
        if unused := [number for number in range(count) if number not in used]:
            raise ValueError(
                f"`blocks` {unused} are read by no block and are no output, expected that all are "
                "in use; leave them out, or add them to `outputs`."
            )


class Entry(NamedTuple):
    """A block of a network whose networks inside are opened.

    Attributes:
      path: Names of its variables in the network's, from outside in.
      block: The block.
      reads: Numbers of the entries that it reads; -1 is the network's input.
    """

    path: tuple[str, ...]
    block: nn.Module | Callable[..., Any]
    reads: tuple[int, ...]


def flat(network: nn.Module) -> tuple[list[Entry], tuple[int, ...]]:
    """All blocks of a network, those of networks inside of it too, each behind what it reads.

    Args:
      network: A `Sequential`, a `Graph`, or one block.

    Returns:
      The blocks, and the numbers of those that are outputs.

    Raises:
      ValueError: A block reads a network inside that has several outputs.
    """
    entries: list[Entry] = []
    return entries, _open(network, (), (-1,), entries)


def _open(module, path, reads, entries):
    """Appends a module's blocks to the entries; returns the numbers of its outputs."""
    if not isinstance(module, Sequential):
        entries.append(Entry(path, module, reads))
        return (len(entries) - 1,)
    ends: list[tuple[int, ...]] = []
    for number, block in enumerate(module.blocks):
        parts = [reads if source < 0 else ends[source] for source in module.reads(number)]
        for source, part in zip(module.reads(number), parts, strict=True):
            if source >= 0 and len(part) > 1:
                name = "/".join((*path, f"blocks_{source}"))
                raise ValueError(
                    f"{name} has {len(part)} outputs and is read by the block behind it, expected "
                    "one; give the graph that is read a single output."
                )
        read = tuple(source for part in parts for source in part)
        ends.append(_open(block, (*path, f"blocks_{number}"), read, entries))
    if not module.blocks:
        return reads
    return tuple(end for number in module.ends for end in ends[number])


def own_variables(path: Sequence[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The part of every collection that belongs to the block at ``path``."""
    found = {}
    for collection, tree in variables.items():
        for name in path:
            tree = tree.get(name) if isinstance(tree, Mapping) else None
        if tree is not None:
            found[collection] = tree
    return found


def copied(tree: Any) -> Any:
    """The mappings of a nest anew, with the same arrays."""
    return {k: copied(v) for k, v in tree.items()} if isinstance(tree, Mapping) else tree


def put(tree: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Puts a value to its place in a nest of dictionaries."""
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value


def join(number: int, parts: Sequence[jax.Array]) -> jax.Array:
    """What block ``number`` reads: the outputs ``[N, C, ..., T]`` of its sources, side by side.

    Raises:
      ValueError: They differ in more than their channels.
    """
    if len(parts) == 1:
        return parts[0]
    parts = [event_batch.dense(part) for part in parts]
    shapes = [part.shape for part in parts]
    if len({(shape[0], *shape[2:]) for shape in shapes}) > 1:
        raise ValueError(
            f"block {number} joins outputs of shapes {shapes} along their channels, expected equal "
            "sizes but for the channels; change strides or paddings in front."
        )
    if len({part.dtype for part in parts}) > 1:  # events from outside beside those of blocks
        parts = [part.astype(jnp.float32) for part in parts]
    return jnp.concatenate(parts, axis=1)
