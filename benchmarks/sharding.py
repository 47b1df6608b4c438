"""Data parallelism on one host: memory of each device and time of a training step.

Devices of a processor are simulated and share its cores, so that their time says only what the
layout costs; their memory is as on real ones.
Run ``python -m benchmarks.sharding`` or ``python benchmarks/sharding.py``; ``--help`` lists the
options.
"""

import functools
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
import optax

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import timing
from jslayer import loss, utils
from jslayer.block import Sequential, cuba

NEURON = {
    "threshold": 1.25,
    "current_decay": 0.25,
    "voltage_decay": 0.03,
    "tau_grad": 0.03,
    "scale_grad": 3,
    "requires_grad": True,
}
SIZES, BATCH, STEPS = (512, 256, 128, 8), 64, 100
TINY_SIZES, TINY_BATCH, TINY_STEPS = (6, 5, 2), 8, 4
SIMULATED = 8


class Training:
    """A training run on some of the devices; a call is one step."""

    def __init__(self, devices: Sequence[jax.Device], sizes: Sequence[int], batch: int, steps: int):
        pairs = itertools.pairwise(sizes)
        network = Sequential([cuba.Dense(NEURON, a, b, weight_scale=2) for a, b in pairs])
        random = np.random.default_rng(0)
        x = np.asarray(random.random((batch, sizes[0], steps)) < 0.05, np.float32)
        label = random.integers(0, sizes[-1], batch).astype(np.int32)
        state = utils.create_state(network, x[:1], optax.adam(1e-3))
        step = utils.train_step(loss.SpikeRate(0.2, 0.03))
        self.state, self.batch = utils.shard(state, (x, label), devices=devices)
        self.compiled = step.lower(self.state, *self.batch).compile()

    @property
    def temporary_bytes(self) -> int:
        """Temporary memory of a step, in bytes per device."""
        return self.compiled.memory_analysis().temp_size_in_bytes

    def __call__(self) -> jax.Array:
        """One step; returns its loss."""
        self.state, metrics = self.compiled(self.state, *self.batch)
        return metrics["loss"]


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    if not chosen.tiny:
        # of no effect where there are real devices, and refused once any is in use
        jax.config.update("jax_num_cpu_devices", SIMULATED)
    report = timing.Report("A data-parallel training step")
    sizes, batch, steps = (
        (TINY_SIZES, TINY_BATCH, TINY_STEPS) if chosen.tiny else (SIZES, BATCH, STEPS)
    )
    report.say(f"Layers {sizes}, batch {batch}, {steps} steps, float32, Adam.")
    devices = jax.local_devices()
    counts = [n for n in (1, 2, 4, 8) if n <= len(devices) and batch % n == 0]
    runs = {n: Training(devices[:n], sizes, batch, steps) for n in counts}
    lines = ["| devices | temporary memory of each, MiB |", "| ---: | ---: |"]
    lines += [f"| {n} | {run.temporary_bytes / 2**20:.2f} |" for n, run in runs.items()]
    report.say("\n".join(lines))
    named = {n: f"step, {n} device{'s' * (n > 1)}" for n in counts}
    rows = [
        timing.Case(named[n], functools.partial(run), named[1] if n > 1 else None)
        for n, run in runs.items()
    ]
    report.add("time", rows, rounds=chosen.rounds)
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
