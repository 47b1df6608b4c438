"""Full training step of the N-MNIST network, beside the matrix products that it must do.

Events come as booleans, as the training command passes them, and as floats.

Run ``python -m benchmarks.nmnist_step`` or ``python benchmarks/nmnist_step.py``; ``--help`` lists
options. Data are random spikes of N-MNIST's size: nothing is downloaded.
"""

import functools
import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import nmnist_parts, timing
from jslayer import Sequential
from jslayer.block import cuba

NEURON = {
    "threshold": 1.25,
    "current_decay": 0.25,
    "voltage_decay": 0.03,
    "tau_grad": 0.03,
    "scale_grad": 3,
    "requires_grad": True,
}
SPIKE_DENSITY = 0.01
TRUE_RATE, FALSE_RATE = 0.2, 0.03


def network(sizes: Sequence[int]) -> Sequential:
    """The network of lava-dl's N-MNIST tutorial: delays and dropout on all layers but the last."""
    hidden = {**NEURON, "dropout": 0.05}
    *pairs, last = itertools.pairwise(sizes)
    return Sequential(
        [cuba.Dense(hidden, *pair, weight_norm=True, delay=True) for pair in pairs]
        + [cuba.Dense(NEURON, *last, weight_norm=True)]
    )


def batch(samples: int, channels: int, classes: int, steps: int) -> tuple[jax.Array, jax.Array]:
    """Spikes ``[N, C, T]`` and target rates ``[N, classes]``."""
    random = np.random.default_rng(0)
    spikes = random.random((samples, channels, steps), np.float32) < SPIKE_DENSITY
    labels = random.integers(0, classes, samples)
    target = np.where(np.arange(classes) == labels[:, None], TRUE_RATE, FALSE_RATE)
    return jnp.asarray(spikes, jnp.float32), jnp.asarray(target, jnp.float32)


def training(sizes: Sequence[int], x: jax.Array, target: jax.Array) -> Callable[[], Any]:
    """A call that trains for one step; it keeps the state, whose buffers are donated."""
    net, optimizer = network(sizes), optax.adam(1e-3)
    key = jax.random.key(0)
    variables = net.init({"params": key, "dropout": key}, x[:1], train=True)
    params, held = variables["params"], {k: v for k, v in variables.items() if k != "params"}

    def loss_of(params, key, x, target):
        y = net.apply({**held, "params": params}, x, train=True, rngs={"dropout": key})
        return jnp.sum((jnp.mean(y, axis=-1) - target) ** 2)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, x, target):
        params, moments, key = state
        key, now = jax.random.split(key)
        loss, gradients = jax.value_and_grad(loss_of)(params, now, x, target)
        updates, moments = optimizer.update(gradients, moments, params)
        return (optax.apply_updates(params, updates), moments, key), loss

    state = (params, optimizer.init(params), key)

    def call():
        nonlocal state
        state, loss = step(state, x, target)
        return state, loss

    return call


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    sizes, samples, steps, short = (2312, 512, 512, 10), 32, 300, 100
    if chosen.tiny:
        sizes, samples, steps, short = (7, 5, 5, 3), 2, 6, 4
    report = timing.Report(
        f"N-MNIST training step, {'-'.join(map(str, sizes))}, batch {samples}, float32"
    )
    for length in (steps, short):
        x, target = batch(samples, sizes[0], sizes[-1], length)
        rows = report.add(
            f"T = {length}",
            [
                timing.Case("matmuls", nmnist_parts.matmuls(sizes, samples, length)),
                timing.Case("copy of the input", functools.partial(jax.jit(lambda x: x + 1.0), x)),
                timing.Case("step, boolean events", training(sizes, x > 0, target), "matmuls"),
                timing.Case("step, float events", training(sizes, x, target), "matmuls"),
            ],
            rounds=chosen.rounds,
        )
        step = rows["step, boolean events"]
        report.say(
            f"First call {step.first_call_s:.2f} s, of which "
            f"{step.first_call_s - step.median_ms / 1e3:.2f} s are tracing and compiling."
        )
    report.add(
        f"parts of the step by themselves, T = {steps}",
        nmnist_parts.cases(sizes, batch(samples, sizes[0], sizes[-1], steps)[0], NEURON),
        rounds=chosen.rounds,
    )
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
