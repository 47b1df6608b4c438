"""Which loaded block reads which."""

from collections.abc import Sequence
from typing import Any

from jslayer import block as blocks
from jslayer.block.base import Block
from jslayer.block.sequential import Sequential
from jslayer.hdf5.late import latenesses
from jslayer.hdf5.load.options import Options
from jslayer.hdf5.load.parts import Variables
from jslayer.hdf5.records import Layer


class Wiring:
    """Collects blocks in the order of the file, and what each of them reads.

    Attributes:
      options: The caller's.
      blocks: The blocks so far.
      reads: For each block the numbers of those that it reads.
      variables: Of all of them.
    """

    def __init__(self, options: Options):
        self.options = options
        self.blocks: list[Block] = []
        self.reads: list[tuple[int, ...]] = []
        self.variables: dict[str, dict[str, Any]] = {}
        self._given: dict[int, tuple[int, ...]] = {-1: (-1,)}
        self._held: dict[tuple[int, int], int] = {}

    def append(self, layer: Layer, block: Block, own: Variables) -> None:
        """Adds the block of a layer, which reads the layer before it."""
        name = f"blocks_{len(self.blocks)}"
        for collection, tree in own.items():
            self.variables.setdefault(collection, {})[name] = tree
        self._given[layer.number] = (self._added(block, self._sent(layer.number - 1)),)

    def join(self, layer: Layer) -> None:
        """Notes what the next layer reads, each source held back as by hardware.

        Blocks without a shift are in step by themselves, where hardware holds back to be so. Where
        the blocks do take the steps of hardware, blocks that shift by one step stand in between.
        """
        parts = [self._sent(source) for source in layer.sources]
        if not layer.held:
            self._given[layer.number] = tuple(number for part in parts for number in part)
            return
        found = {-1: 0, **dict(enumerate(latenesses(self.blocks, self.reads)))}
        late = [max(found[number] for number in part) for part in parts]
        more = [held - (max(late) - own) for held, own in zip(layer.held, late, strict=True)]
        least = min(more)
        self._given[layer.number] = tuple(
            self._shifted(number, steps - least)
            for part, steps in zip(parts, more, strict=True)
            for number in part
        )

    def network(self, outputs: Sequence[int]) -> Sequential:
        """The blocks as a network whose outputs are the layers of these numbers."""
        ends = tuple(number for layer in outputs for number in self._sent(layer))
        chain = [(number - 1,) for number in range(len(self.blocks))]
        if self.reads == chain and ends == (len(self.blocks) - 1,):
            return Sequential(self.blocks)
        return blocks.Graph(self.blocks, sources=self.reads, outputs=ends)

    def _sent(self, number: int) -> tuple[int, ...]:
        """The blocks that send what a layer sends; layers left out in front are the input."""
        return self._given.get(number, (-1,))

    def _added(self, block: Block, reads: tuple[int, ...]) -> int:
        self.blocks.append(block)
        self.reads.append(reads)
        return len(self.blocks) - 1

    def _shifted(self, number: int, steps: int) -> int:
        """The block that sends, so many steps later, what block ``number`` sends."""
        if not steps:
            return number
        key = (number, steps)
        if key not in self._held:
            before = self._shifted(number, steps - 1)
            block = blocks.sigma_delta.Input(
                None,
                delay_shift=True,
                count_log=self.options.count_log,
                persistent_state=self.options.persistent_state,
            )
            self._held[key] = self._added(block, (before,))
        return self._held[key]
