"""Data parallelism on one host: memory of each device and time of a training step.

Devices of a processor are simulated and share its cores, so that their time says only what the
layout costs; their memory is as on real ones.
Run ``python -m benchmarks.sharding`` or ``python benchmarks/sharding.py``; ``--help`` lists the
options.
"""

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
SIZES, TINY_SIZES = (512, 256, 128, 8), (6, 5, 2)
BATCH, TINY_BATCH = 64, 8
SIMULATED = 8


def dense(tiny: bool) -> tuple[Sequential, tuple[int, ...]]:
    """A perceptron, and the shape of its input."""
    sizes = TINY_SIZES if tiny else SIZES
    pairs = itertools.pairwise(sizes)
    network = Sequential([cuba.Dense(NEURON, a, b, weight_scale=2) for a, b in pairs])
    return network, (sizes[0], 4 if tiny else 100)


def images(tiny: bool) -> tuple[Sequential, tuple[int, ...]]:
    """Two convolutions with pools, and the shape of their input."""
    features, side = (2, 4) if tiny else (8, 32)
    network = Sequential(
        [
            cuba.Conv(NEURON, 2, features, 3, padding=1, weight_scale=2),
            cuba.Pool(NEURON, 2),
            cuba.Conv(NEURON, features, features, 3, padding=1, weight_scale=2),
            cuba.Pool(NEURON, 2),
            cuba.Flatten(),
            cuba.Dense(NEURON, None, 8),
        ]
    )
    return network, (2, side, side, 4 if tiny else 32)


class Training:
    """A training run on some of the devices; a call is one step."""

    def __init__(
        self, devices: Sequence[jax.Device], network: Sequential, shape: tuple[int, ...], batch: int
    ):
        random = np.random.default_rng(0)
        x = np.asarray(random.random((batch, *shape)) < 0.05, np.float32)
        label = random.integers(0, 2, batch).astype(np.int32)
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
    batch = TINY_BATCH if chosen.tiny else BATCH
    devices = jax.local_devices()
    counts = [n for n in (1, 2, 4, 8) if n <= len(devices) and batch % n == 0]
    named = lambda name, n: f"{name}: {n} device{'s' * (n > 1)}"
    sizes, cases = [], []
    for name, make in (("dense", dense), ("images", images)):
        network, shape = make(chosen.tiny)
        report.say(f"{name}: input {shape}, batch {batch}, float32, Adam.")
        for n in counts:
            run = Training(devices[:n], network, shape, batch)
            size = run.temporary_bytes / 2**20
            sizes.append({"network": name, "devices": n, "temporary memory of each, MiB": size})
            floor = named(name, 1) if n > 1 else None
            cases.append(timing.Case(named(name, n), run, floor))
    report.add_rows("memory", sizes)
    report.add("time of a step", cases, rounds=chosen.rounds)
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
