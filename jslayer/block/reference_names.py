"""Names of a checkpoint of lava-dl for the blocks of a module of one's own."""

import re
from collections.abc import Callable, Sequence

from jslayer.block.recorded import Recorded

PREFIX = "graph"
"""Stands in front of the numbers of the graph's blocks; other names are of no block."""


def numbering(recorded: Recorded, names: Sequence[str], prefix: str) -> Callable[[str], str]:
    """How a checkpoint's names become those of the recorded graph.

    ``encoder.blocks.0.synapse.weight`` is of the block that the module keeps in
    ``encoder/blocks_0``. Where no name is that of a block of the module, and its blocks stand one
    behind the other, those of the list ``prefix`` are counted in the order of the calls.

    Args:
      recorded: The module as a graph.
      names: All names of the checkpoint.
      prefix: Name of the list of blocks in the reference's module.

    Returns:
      A function of a name, which gives names that belong to no block as they are.
    """
    numbers = {path: number for number, path in enumerate(recorded.paths) if path}

    def by_path(name: str) -> str:
        parts = re.sub(r"\.(\d+)(?=\.|$)", r"_\1", name).split(".")
        for length in range(1, len(parts)):
            number = numbers.get(tuple(parts[:length]))
            if number is not None:
                return ".".join((PREFIX, str(number), *parts[length:]))
        return name

    def in_order(name: str) -> str:
        head, _, rest = name.partition(f"{prefix}.")
        return f"{PREFIX}.{rest}" if not head and rest else name

    if recorded.network.is_chain and all(
        by_path(name) == name for name in names if name.startswith(f"{prefix}.")
    ):
        return in_order
    return by_path


def in_words_of(recorded: Recorded, message: str) -> str:
    """A message about the graph with the names of the module."""
    return re.sub(
        rf"\b(?:{PREFIX}\.|blocks_)(\d+)\b", lambda met: recorded.names[int(met[1])], message
    )
