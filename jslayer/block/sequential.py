"""Blocks in a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax


class Sequential(nn.Module):
    """Runs blocks one after the other; parameters are under ``blocks_0``, ``blocks_1``, ...

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

    blocks: Sequence[nn.Module]

    def __post_init__(self):
        object.__setattr__(self, "blocks", tuple(self.blocks))
        super().__post_init__()

    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps data to the last block's output; counts of blocks with ``count_log`` come along.

        Args:
          x: ``[N, C, ..., T]`` float32.
          train: Passed to every block.

        Returns:
          The output, or ``(output, [count per block])`` if any block has ``count_log``; the count of
          a `Sequential` inside is a list.
        """
        counts, counted = [], False
        for block in self.blocks:
            x = block(x, train=train)
            count = None
            if isinstance(x, tuple):
                x, count = x
                counted = True
            counts.append(count)
        return (x, counts) if counted else x


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

    def walk(node, path):
        for name, child in node.items():
            if name == "event_rate":
                rates["/".join(path)] = child[-1]
            elif isinstance(child, Mapping):
                walk(child, (*path, name))

    walk(intermediates, ())
    return rates
