"""How many steps hardware is later than training."""

from collections.abc import Sequence

import flax.linen as nn

from jslayer.block.layers import Layer


def latenesses(blocks: Sequence[nn.Module], reads: Sequence[Sequence[int]]) -> list[int]:
    """Steps by which hardware sends later than each block of a network, those before it included.

    Args:
      blocks: All blocks, each behind those that it reads.
      reads: For each block the numbers of those; -1 is the network's input.

    Returns:
      One number per block, if everything that a block reads is held back to the latest of it.
    """
    found: list[int] = []
    for block, sources in zip(blocks, reads, strict=True):
        latest = max(0 if source < 0 else found[source] for source in sources)
        # a step for its synapse, which the block takes too if it shifts
        found.append(latest + isinstance(block, Layer) - getattr(block, "delay_shift", False))
    return found
