"""How a kernel cuts its work: a table by shape, measured on an H200.

To cover the latency of memory, about 2 MB must be in flight over a large GPU; on the other side
stand the registers, 255 per thread at most, which the loaded inputs share with states and
arithmetic, and the time to compile, which grows faster than the chunk: 1 s at 8, 2 to 4 s at 16.
``benchmarks/results/gpu_tiles.md`` holds the times of all ways to cut.
"""

import dataclasses

import jax
import jax.numpy as jnp

THREADS = 128
LOADED_REGISTERS = 64
"""Registers per thread that may hold loaded inputs: of this chunk and of the next."""

MANY_NEURONS = 1 << 16
"""From here on larger tiles still leave several programs for every multiprocessor."""

MANY_STEPS = 1 << 10
"""From here on few neurons wait for memory long enough to be worth a slower compilation."""


@dataclasses.dataclass(frozen=True)
class Tile:
    """How a kernel is cut.

    Attributes:
      block: Neurons per program.
      vec: Neighbouring neurons that a thread loads at once.
      chunk: Time steps whose inputs are loaded together.
    """

    block: int
    vec: int
    chunk: int

    def start(self, program: jax.Array, neurons: int) -> jax.Array:
        """First neuron of a program; the last tile overlaps its neighbour, with equal values."""
        start = program * self.block
        return start if neurons % self.block == 0 else jnp.minimum(start, neurons - self.block)

    def programs(self, neurons: int) -> int:
        """Number of tiles that cover all neurons."""
        return -(-neurons // self.block)


def mosaic(steps: int, neurons: int, streams: int) -> Tile:
    """Tile of the Mosaic kernel.

    Args:
      steps: Time steps.
      neurons: Neurons, at least 128.
      streams: ``[T, N]`` arrays that are read.

    Returns:
      Blocks of 128, or 256 for many neurons; ``vec`` divides the number of neurons, since a step's
      values begin at any multiple of that.
    """
    many = neurons >= MANY_NEURONS
    block = 2 * THREADS if many else THREADS
    vec = 2 if neurons % 2 == 0 and many else 1
    long = steps >= MANY_STEPS and not many
    most, registers = (16, 3 * LOADED_REGISTERS // 2) if long else (8, LOADED_REGISTERS)
    return Tile(block, vec, _chunk(steps, streams * block // THREADS, most, registers))


def triton(steps: int, neurons: int, streams: int) -> Tile:
    """Tile of the Triton kernel: blocks of one warp or four, one neuron per thread.

    Its time to compile grows fast with the chunk, so that this is 4 at most.
    """
    block = 128 if neurons >= MANY_NEURONS // 4 else 32
    return Tile(block, 1, _chunk(steps, streams, 4, LOADED_REGISTERS))


def _chunk(steps, registers_per_step, most, registers):
    chunk = most
    while chunk > 1 and (chunk > steps or 2 * chunk * registers_per_step > registers):
        chunk //= 2
    return chunk
