"""Full training step of the N-MNIST network, beside the matrix products that it must do.

Events come as lists, as the training command passes them, as booleans and as floats. The matrix
products beside it are in float32; those of the last row, with factors in bfloat16, give the same
spikes.

Run ``python -m benchmarks.nmnist_step`` or ``python benchmarks/nmnist_step.py``; ``--help`` lists
options. Data are random spikes of N-MNIST's size: nothing is downloaded.
"""

import functools
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import floors, nmnist_parts, steps, timing
from jslayer import Sequential
from jslayer.block import cuba
from jslayer.ops import EventBatch

NEURON = {
    "threshold": 1.25,
    "current_decay": 0.25,
    "voltage_decay": 0.03,
    "tau_grad": 0.03,
    "scale_grad": 3,
    "requires_grad": True,
}
SPIKE_DENSITY = 0.0068
"""That of N-MNIST itself."""
TRUE_RATE, FALSE_RATE = 0.2, 0.03


def network(
    sizes: Sequence[int], dtype: Any = None, implementation: str | None = None
) -> Sequential:
    """The network of lava-dl's N-MNIST tutorial: delays and dropout on all layers but the last."""
    neuron = {**NEURON, "implementation": implementation}
    hidden = {**neuron, "dropout": 0.05}
    *pairs, last = itertools.pairwise(sizes)
    options = {"weight_norm": True, "dtype": dtype}
    return Sequential(
        [cuba.Dense(hidden, *pair, delay=True, **options) for pair in pairs]
        + [cuba.Dense(neuron, *last, **options)]
    )


def batch(samples: int, channels: int, classes: int, steps: int) -> tuple[jax.Array, jax.Array]:
    """Spikes ``[N, C, T]`` and target rates ``[N, classes]``."""
    random = np.random.default_rng(0)
    spikes = random.random((samples, channels, steps), np.float32) < SPIKE_DENSITY
    labels = random.integers(0, classes, samples)
    target = np.where(np.arange(classes) == labels[:, None], TRUE_RATE, FALSE_RATE)
    return jnp.asarray(spikes, jnp.float32), jnp.asarray(target, jnp.float32)


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    sizes, samples, lengths = (2312, 512, 512, 10), 32, (300, 100)
    if chosen.tiny:
        sizes, samples, lengths = (7, 5, 3), 2, (6,)
    report = timing.Report(
        f"N-MNIST training step, {'-'.join(map(str, sizes))}, batch {samples}, float32"
    )
    for length in lengths:
        x, target = batch(samples, sizes[0], sizes[-1], length)
        lists = jax.device_put(EventBatch.from_dense(x))
        rows = report.add(
            f"T = {length}",
            [
                timing.Case("matmuls", floors.matmuls(sizes, samples, length)),
                timing.Case("copy of the input", functools.partial(jax.jit(lambda x: x + 1.0), x)),
                timing.Case(
                    "step, lists of events",
                    steps.training(network(sizes), lists, target),
                    "matmuls",
                ),
                timing.Case(
                    "step, boolean events", steps.training(network(sizes), x > 0, target), "matmuls"
                ),
                timing.Case(
                    "step, float events", steps.training(network(sizes), x, target), "matmuls"
                ),
                timing.Case(
                    "step, boolean events, forward products in bfloat16",
                    steps.training(network(sizes, jnp.bfloat16), x > 0, target),
                    "matmuls",
                ),
            ],
            rounds=chosen.rounds,
        )
        step = rows["step, boolean events"]
        held = sum(leaf.nbytes for leaf in jax.tree.leaves(lists))
        report.say(f"The lists take {held / 1e6:.2f} MB, the booleans {x.size / 1e6:.2f} MB.")
        report.say(
            f"First call {step.first_call_s:.2f} s, of which "
            f"{step.first_call_s - step.median_ms / 1e3:.2f} s are tracing and compiling."
        )
    report.add(
        f"parts of the step by themselves, T = {lengths[0]}",
        nmnist_parts.cases(sizes, batch(samples, sizes[0], sizes[-1], lengths[0])[0], NEURON),
        rounds=chosen.rounds,
    )
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
