"""Memory of a training gradient over long recordings: one call, and chunks of time.

Nothing runs: the compiler says how much temporary memory a step needs. The gradient is the same,
see `jslayer.training.time_chunks`.
Run ``python -m benchmarks.remat`` or ``python benchmarks/remat.py``; ``--help`` lists options.
"""

import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import timing
from jslayer.block import Sequential, cuba
from jslayer.utils import time_chunks

NEURON = {
    "threshold": 1.25,
    "current_decay": 0.25,
    "voltage_decay": 0.03,
    "tau_grad": 0.03,
    "scale_grad": 3,
    "requires_grad": True,
}
BATCH, SIZES = 8, (256, 256, 128, 10)
STEPS, CHUNKS = (256, 1024, 4096, 16384), (64, 256)
TINY_STEPS, TINY_CHUNKS = (8, 16), (4,)


def temporary_bytes(apply: Callable[..., jax.Array], steps: int) -> int:
    """Temporary memory of the compiled gradient for ``steps`` time steps, in bytes."""
    x = jax.ShapeDtypeStruct((BATCH, SIZES[0], steps), jnp.float32)
    params = jax.eval_shape(network().init, jax.random.key(0), x)["params"]

    def objective(params, x):
        return jnp.sum(jnp.mean(apply({"params": params}, x), axis=-1) ** 2)

    compiled = jax.jit(jax.grad(objective)).lower(params, x).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def network() -> Sequential:
    """A multilayer perceptron."""
    pairs = itertools.pairwise(SIZES)
    return Sequential([cuba.Dense(NEURON, a, b, weight_scale=2) for a, b in pairs])


def table(steps: Sequence[int], chunks: Sequence[int]) -> str:
    """The memory of every length and chunk, beside that of input and outputs of all layers."""
    names = ["whole", *(f"chunks of {chunk}" for chunk in chunks)]
    lines = [
        f"| steps | floor | {' | '.join(names)} |",
        f"| ---: | ---: |{' ---: |' * len(names)}",
    ]
    for length in steps:
        applies = [network().apply, *(time_chunks(network(), chunk) for chunk in chunks)]
        floor = 4 * BATCH * length * sum(SIZES[1:])
        found = [floor, *(temporary_bytes(apply, length) for apply in applies)]
        lines.append(f"| {length} | {' | '.join(f'{size / 2**20:.2f}' for size in found)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    report = timing.Report("Temporary memory of a gradient, in MiB")
    report.say(
        f"Layers {SIZES}, batch {BATCH}, float32; the floor is one float for each neuron and step."
    )
    steps, chunks = (TINY_STEPS, TINY_CHUNKS) if chosen.tiny else (STEPS, CHUNKS)
    report.say(table(steps, chunks))
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
