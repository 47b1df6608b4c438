"""Measures a few things on this machine: neurons beside a copy, and a step of training.

``jslayer bench`` takes seconds and prints a table; the benchmarks of the repository, with peers,
floors and a page of what they found, are ``python -m benchmarks`` in a clone.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

import jslayer
from jslayer import loss, training
from jslayer.block import Sequential, cuba

NEURON: dict[str, Any] = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument("--rounds", type=int, default=5, help="calls of each case (5)")
    parser.add_argument("--tiny", action="store_true", help="small sizes, to see that it runs")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Measures and prints; returns the exit code."""
    if options.rounds < 1:
        raise ValueError(f"`--rounds` is {options.rounds}, expected at least 1; pass more.")
    batch, size, steps = (2, 16, 8) if options.tiny else (32, 512, 300)
    device = jax.devices()[0]
    print(f"jslayer {jslayer.__version__}, JAX {jax.__version__}, {platform.machine()}")
    print(f"{device.platform}: {device.device_kind}, {jax.local_device_count()} device(s)")
    print(f"batch {batch}, {size} neurons a layer, {steps} time steps\n")
    print(f"{'case':34}{'first call':>12}{'median':>12}{'minimum':>12}")
    for name, (first, times) in measured(cases(batch, size, steps), options.rounds).items():
        median, least = 1e3 * statistics.median(times), 1e3 * min(times)
        print(f"{name:34}{first:10.2f} s{median:9.2f} ms{least:9.2f} ms")
    return 0


def cases(batch: int, size: int, steps: int) -> dict[str, Callable[[], Any]]:
    """What is measured, by name: calls that return arrays.

    Args:
      batch: Samples.
      size: Neurons of a layer.
      steps: Time steps.
    """
    key = jax.random.key(0)
    x = jax.random.uniform(key, (batch, size, steps))
    spikes = x < 0.05
    label = jnp.arange(batch) % 10
    neuron = jslayer.neuron.cuba.Neuron(**NEURON)
    variables = jax.jit(neuron.init)(key, x)
    forward = jax.jit(neuron.apply)
    backward = jax.jit(jax.grad(lambda x: jnp.sum(neuron.apply(variables, x) * x)))
    copy = jax.jit(lambda x: x + 1)
    network = Sequential(
        [
            cuba.Dense(NEURON, size, size, weight_norm=True, delay=True),
            cuba.Dense(NEURON, size, 10, weight_norm=True),
        ]
    )
    held = [training.create_state(network, spikes[:1], optax.adam(1e-3))]
    step = training.train_step(loss.SpikeRate(true_rate=0.2, false_rate=0.03))

    def train():
        held[0], metrics = step(held[0], spikes, label)  # the state given is used up
        return metrics["loss"]

    return {
        "copy of the same bytes": lambda: copy(x),
        "CUBA neurons, forward": lambda: forward(variables, x),
        "CUBA neurons, forward and backward": lambda: backward(x),
        "training step of two dense layers": train,
    }


def measured(
    calls: Mapping[str, Callable[[], Any]], rounds: int
) -> dict[str, tuple[float, list[float]]]:
    """Seconds of each call: the first, which compiles, and the later ones, taken in turn."""
    first = {name: _seconds(call) for name, call in calls.items()}
    later: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            later[name].append(_seconds(call))
    return {name: (first[name], later[name]) for name in calls}


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - start
