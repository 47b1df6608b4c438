"""What a deep network's gradient keeps in memory by the policy of its neurons, and what it costs.

Three policies of `jslayer.neuron.base.Policy`, on blocks in a row: the compiler's count of
temporary memory, the same per neuron and step, and the time of a gradient. The policy of a single
call of `jslayer.ops.run` has its table in `benchmarks.memory`.
Run ``python -m benchmarks.policies`` or ``python benchmarks/policies.py``; ``--help`` lists
options.
"""

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import jax
import jax.numpy as jnp

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import timing
from jslayer.block import Sequential, cuba
from jslayer.neuron.base import Policy

NEURON = {
    "threshold": 0.5,
    "current_decay": 0.25,
    "voltage_decay": 0.03,
    "tau_grad": 0.1,
    "requires_grad": True,
}
MIB = 1 << 20
LAYERS, TINY_LAYERS = 8, 2
SHORT, LONG = 32, 96
TINY_SHORT, TINY_LONG = 8, 16


def dense(policy: str, width: int, layers: int) -> Sequential:
    """Dense layers of one width."""
    neuron = {**NEURON, "policy": policy}
    return Sequential([cuba.Dense(neuron, width, width, weight_scale=2) for _ in range(layers)])


def convolutional(policy: str, features: int, layers: int) -> Sequential:
    """Convolutions of one size."""
    neuron = {**NEURON, "policy": policy}
    one = functools.partial(cuba.Conv, neuron, kernel_size=3, padding=1, weight_scale=2)
    rest = [one(features, features) for _ in range(layers - 1)]
    return Sequential([one(2, features), *rest])


class Gradient:
    """A compiled gradient of a network for random events; a call computes it once."""

    def __init__(self, network: Sequential, shape: tuple[int, ...]):
        self.x = (jax.random.uniform(jax.random.key(0), shape) < 0.3).astype(jnp.float32)
        variables = jax.jit(network.init)(jax.random.key(1), self.x)
        self.params = variables.pop("params")

        def objective(params, x):
            return jnp.sum(jnp.mean(network.apply({**variables, "params": params}, x), -1) ** 2)

        self.compiled = jax.jit(jax.grad(objective)).lower(self.params, self.x).compile()

    @property
    def temporary_bytes(self) -> int:
        """Temporary memory, in bytes."""
        return self.compiled.memory_analysis().temp_size_in_bytes

    def __call__(self) -> jax.Array:
        """The gradient, once."""
        return self.compiled(self.params, self.x)


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    report = timing.Report("Gradients of deep networks by the policy of their neurons, float32")
    short, long = (TINY_SHORT, TINY_LONG) if chosen.tiny else (SHORT, LONG)
    layers = TINY_LAYERS if chosen.tiny else LAYERS
    width, features, side = (4, 2, 4) if chosen.tiny else (512, 8, 32)
    flat, image = ((2, width), (2, 2, side, side)) if chosen.tiny else ((32, width), (8, 2, 32, 32))
    cases = {
        f"{layers} dense layers of {width}, batch {flat[0]}": (
            functools.partial(dense, width=width, layers=layers),
            flat,
            width,
        ),
        f"{layers} convolutions, {features} x {side} x {side}, batch {image[0]}": (
            functools.partial(convolutional, features=features, layers=layers),
            image,
            features * side * side,
        ),
    }
    for title, (make, shape, neurons) in cases.items():
        rows, runs = [], {}
        for policy in get_args(Policy):
            runs[policy] = Gradient(make(policy), (*shape, long))
            more = runs[policy].temporary_bytes
            less = Gradient(make(policy), (*shape, short)).temporary_bytes
            count = layers * neurons * shape[0]
            rows.append(
                {
                    "policy": policy,
                    f"temporary at T = {long}, MiB": more / MIB,
                    "bytes per neuron and step": (more - less) / (long - short) / count,
                }
            )
        report.add_rows(f"{title}: memory", rows)
        timed = [
            timing.Case(policy, run, None if policy == "save" else "save")
            for policy, run in runs.items()
        ]
        report.add(f"{title}: time at T = {long}", timed, rounds=chosen.rounds)
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
