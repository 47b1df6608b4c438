"""Blocks one after the other."""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer import linen
from jslayer.block import replay
from jslayer.block.base import Block
from jslayer.ops import EventBatch

if TYPE_CHECKING:

    class Blocks:
        """A field that takes blocks, modules and functions, and gives any attribute of them."""

        def __get__(self, network: Any, owner: Any) -> Sequence[Any]: ...
        def __set__(
            self, network: Any, given: Sequence[nn.Module | Callable[..., Any]]
        ) -> None: ...

else:
    Blocks = Sequence

LEAVES = ("jslayer.", "flax.")
"""Packages whose modules, but for Flax's own `Sequential`, call no blocks."""


class Sequential(linen.Module):
    """Runs blocks one after the other; parameters are under ``blocks_0``, ``blocks_1``, ...

    Between the blocks anything may stand that is called with one array ``[N, C, ..., T]``: a neuron
    or synapse, a module of Flax, a function. It gets ``train`` where it takes it. What writes
    network files knows blocks only, and says so.

    Attributes:
      blocks: The blocks, input to output.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> network = Sequential([cuba.Dense(neuron, 6, 4), cuba.Dense(neuron, 4, 2)])
      >>> x = jnp.ones((1, 6, 20))
      >>> variables = network.init(jax.random.key(0), x)
      >>> network.apply(variables, x).shape
      (1, 2, 20)
    """

    blocks: Blocks

    _exporter: ClassVar[Callable[..., None] | None] = None  # `jslayer.hdf5` puts it here

    def __post_init__(self):
        object.__setattr__(self, "blocks", tuple(self.blocks))
        for number, block in enumerate(self.blocks):
            if not (isinstance(block, nn.Module) or callable(block)):
                raise TypeError(
                    f"`blocks[{number}]` is {block!r}, expected a block, another module or a "
                    "function of one array; put one there, or leave it out."
                )
        super().__post_init__()

    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps data to the last block's output; counts of blocks with ``count_log`` come along.

        Args:
          x: ``[N, C, ..., T]`` float32, booleans, or a `jslayer.ops.EventBatch`.
          train: Passed to every block that takes it.

        Returns:
          The output, or ``(output, [count per block])`` if any block has ``count_log``; the count
          of a `Sequential` inside is a list.
        """
        counts, counted, binary = [], False, False
        for block in self.blocks:
            x, count, binary = called(block, x, train=train, binary=binary)
            counted |= bool(count)
            counts.append(count[0] if count else None)
        return (x, counts) if counted else x

    def reads(self, number: int) -> tuple[int, ...]:
        """Numbers of the blocks whose outputs block ``number`` reads; -1 is the network's input."""
        return (number - 1,)

    @property
    def ends(self) -> tuple[int, ...]:
        """Numbers of the blocks whose outputs the network returns."""
        return (len(self.blocks) - 1,)

    def export_hdf5(
        self, path: str | os.PathLike[str], variables: Mapping[str, Any], **options: Any
    ) -> None:
        """Writes the network file: `jslayer.hdf5.export` of this network.

        Args:
          path: Name of the file.
          variables: What `init` returned, with the trained parameters.
          **options: Those of `jslayer.hdf5.export`.

        Raises:
          RuntimeError: `jslayer.hdf5` was never imported.
        """
        if self._exporter is None:
            raise RuntimeError(
                "`jslayer.hdf5` is not imported, expected it to write network files; import "
                "jslayer, or jslayer.hdf5, first."
            )
        self._exporter(path, self, variables, **options)


def called(
    block: nn.Module | Callable[..., Any], x: jax.Array, *, train: bool, binary: bool
) -> tuple[jax.Array, tuple[Any, ...], bool]:
    """Calls a block of a network.

    Args:
      block: The block, bound; or another module, or a function of one array.
      x: ``[N, C, ..., T]``.
      train: Passed to what takes it.
      binary: ``x`` holds zeros and ones only.

    Returns:
      Its output, its count as a tuple of one (empty if it has none), and whether the output is
      binary.
    """
    if isinstance(x, EventBatch) and not isinstance(block, Block | Sequential):
        x = x.to_dense().astype(jnp.float32)  # others know numbers only
    if replay.wanted(block):
        x = replay.run(block, x, train=train, binary=binary)
    else:
        x = block(x, train=train) if takes_train(block) else block(x)
    binary = isinstance(block, Block) and block.binary(binary)
    y, *count = x if isinstance(x, tuple) else (x,)
    return y, tuple(count), binary


def is_own(module: Any) -> bool:
    """True for a module of the user's: one that may call blocks, and is none and no row of them."""
    if not isinstance(module, nn.Module) or isinstance(module, Block | Sequential):
        return False
    return isinstance(module, nn.Sequential) or not type(module).__module__.startswith(LEAVES)


def takes_train(block: nn.Module | Callable[..., Any]) -> bool:
    """True if a block, another module or a function may be called with ``train``."""
    if isinstance(block, Block | Sequential):
        return True
    try:
        taken = inspect.signature(block).parameters.values()
    except ValueError:  # some that are not written in Python have none
        return False
    return any(
        p.name == "train" or (p.kind == p.VAR_KEYWORD and isinstance(block, nn.Module))
        for p in taken
    )


def name_of(block: nn.Module | Callable[..., Any]) -> str:
    """Name of a block's class, or of a function that stands among blocks."""
    if isinstance(block, nn.Module):
        return type(block).__name__
    return getattr(block, "__name__", type(block).__name__)


def event_rates(intermediates: Mapping[str, Any]) -> dict[str, jax.Array]:
    """Event rate of every block that counted, by path.

    Args:
      intermediates: What ``network.apply(..., mutable="intermediates")[1]["intermediates"]`` holds.

    Returns:
      Fraction of non-zero outputs per block, e.g. ``{"blocks_0": 0.1}``.

    Example:
      >>> event_rates({"blocks_0": {"event_rate": (0.5,)}})
      {'blocks_0': 0.5}
    """
    rates = {}

    def collect(node, path):
        for name, child in node.items():
            if name == "event_rate":
                rates["/".join(path)] = child[-1]
            elif isinstance(child, Mapping):
                collect(child, (*path, name))

    collect(intermediates, ())
    return rates
