"""Latency of one time step of a network in a closed loop: batch 1, three dense layers.

Each step is a call of its own from Python, waited for, as a robot would do; beside it the same
steps inside one `jax.lax.scan`. Run ``python -m benchmarks.streaming`` or
``python benchmarks/streaming.py``; ``--help`` lists options.
"""

import functools
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import floors, timing
from jslayer.block import Sequential, cuba, folded, stream

NEURON = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}
SIZES = ((32, 64, 64, 8), (128, 256, 256, 10), (2312, 512, 512, 10))
STEPS = 200

Step = Callable[[Any, jax.Array], tuple[jax.Array, Any]]


def network(sizes: Sequence[int], *, delay: bool) -> Sequential:
    """Dense layers with weight norm; those of N-MNIST with delays too."""
    return Sequential(
        [
            cuba.Dense(NEURON, *pair, weight_norm=True, delay=delay)
            for pair in itertools.pairwise(sizes)
        ]
    )


def products(sizes: Sequence[int]) -> tuple[Step, Any]:
    """A step that only multiplies with the weights, and its state, which it hands back."""
    weights = [floors.random(0, after, before) for before, after in itertools.pairwise(sizes)]

    @functools.partial(jax.jit, donate_argnums=1)
    def step(weights, state, x):
        for weight in weights:
            x = floors.forward(x[None], weight)[0]
        return x, state

    return functools.partial(step, weights), lambda: jnp.zeros(())


def network_step(net: Sequential, x: jax.Array, *, fold: bool = False) -> tuple[Step, Any]:
    """The network's step and what gives a state at rest; folded has its weights worked out."""
    variables = jax.jit(net.init)(jax.random.key(0), x[..., None])
    if fold:
        net, variables = folded(net, variables)
    start, step = stream(net)
    state = start(variables, x)
    return functools.partial(step, variables), lambda: jax.tree.map(jnp.copy, state)


def called(step: Step, state: Any, x: jax.Array) -> list[float]:
    """Microseconds of each of ``len(x)`` calls, one after the other."""
    found = []
    for x_t in x:
        start = time.perf_counter()
        y, state = step(state, x_t)
        y.block_until_ready()
        found.append(1e6 * (time.perf_counter() - start))
    return found


def scanned(step: Step) -> Callable[[Any, jax.Array], list[float]]:
    """As `called`, for one scan over all steps: one number, the mean."""
    whole = jax.jit(lambda state, x: lax.scan(lambda s, x_t: step(s, x_t)[::-1], state, x))

    def run(state, x):
        start = time.perf_counter()
        jax.block_until_ready(whole(state, x))
        return [1e6 * (time.perf_counter() - start) / len(x)]

    return run


def rows(sizes: Sequence[int], steps: int, rounds: int) -> list[dict[str, Any]]:
    """Microseconds per step, measured in turns."""
    # a list of arrays, so that cutting one from another is not timed
    spikes = (floors.random(1, steps, 1, sizes[0]) > 2).astype(jnp.float32)
    each = [jnp.array(x_t) for x_t in spikes]
    subjects = {
        "matrix products only": products(sizes),
        "network": network_step(network(sizes, delay=False), each[0]),
        "network with delays": network_step(network(sizes, delay=True), each[0]),
        "folded": network_step(network(sizes, delay=False), each[0], fold=True),
        "folded, with delays": network_step(network(sizes, delay=True), each[0], fold=True),
    }
    runs = {}
    for name, (step, rest) in subjects.items():
        runs[f"{name}, call by call"] = (functools.partial(called, step), rest, each)
        runs[f"{name}, in a scan"] = (scanned(step), rest, spikes)
    taken = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, (run, rest, x) in runs.items():
            state = jax.block_until_ready(rest())
            found = run(state, x)
            if number:  # the first compiles
                taken[name] += found
    return [
        {
            "case": name,
            "median, us": statistics.median(found),
            "min, us": min(found),
            "99 % below, us": sorted(found)[int(0.99 * (len(found) - 1))],
        }
        for name, found in taken.items()
    ]


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    all_sizes, steps = (((5, 4, 3),), 3) if chosen.tiny else (SIZES, STEPS)
    report = timing.Report("Streaming: one time step, batch 1, float32")
    report.say("A scan gives one mean per round; its 99 % are those of means.")
    for sizes in all_sizes:
        found = rows(sizes, steps, chosen.rounds)
        report.add_rows(f"{'-'.join(map(str, sizes))}, time per step", found)
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
