"""The engines beside each other: inference, training forward and backward of a CUBA neuron.

Run ``python -m benchmarks.engines`` or ``python benchmarks/engines.py``; ``--help`` lists options.
Where a GPU is, its kernels are measured too.
"""

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import timing
from jslayer import ops
from jslayer.ops.engines import passes, select

CONSTANTS = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}
SHAPES = ((300, 16384), (100, 131072), (2000, 4096))
GPU_SHAPES = (*SHAPES, (300, 1 << 20))
TINY_SHAPES = ((6, 129),)
STREAMS = {"inference": (1, 1), "training forward": (1, 3), "backward": (3, 1)}
"""``[T, N]`` arrays of four bytes that a pass reads and writes."""


def time_loops(steps: int, neurons: int) -> Mapping[str, tuple[Any, ...]]:
    """The three passes as ``(pass, fixed, carry, rows)``; a few per cent of the neurons spike."""
    dynamics = ops.Cuba()
    random = np.random.default_rng(0)
    x = jnp.asarray(random.standard_normal((steps, neurons), np.float32) * 0.1)
    params = {name: jnp.full(neurons, value, jnp.float32) for name, value in CONSTANTS.items()}
    row = jnp.zeros(neurons, jnp.float32)
    start = dynamics.prepare(params), dynamics.init(row), x
    training = passes.training(dynamics)
    _, (outputs, residuals) = jax.jit(functools.partial(select.engine(None), training))(*start)
    carry = dynamics.adjoint_init(row), {name: row for name in params}
    cotangents = jax.tree.map(lambda leaf: x[::-1] + 1.0, outputs)
    return {
        "inference": (passes.forward(dynamics), *start),
        "training forward": (training, *start),
        "backward": (passes.backward(dynamics), params, carry, (residuals, cotangents)),
    }


def copy(reads: int, writes: int, shape: tuple[int, int]) -> Callable[[], Any]:
    """Moves as many bytes as a pass, and does next to nothing with them.

    Nothing is added to zero, which XLA would leave out: the output would be the input itself.
    """
    arrays = [jnp.full(shape, k, jnp.float32) for k in range(reads)]
    moved = jax.jit(lambda *arrays: tuple(sum(arrays) + np.float32(k + 1) for k in range(writes)))
    return functools.partial(moved, *arrays)


def cases(steps: int, neurons: int) -> list[timing.Case]:
    """Rows of all passes and engines, each beside the copy of its bytes."""
    rows = []
    for name, (of, *arrays) in time_loops(steps, neurons).items():
        floor = f"copy, {name}"
        rows.append(timing.Case(floor, copy(*STREAMS[name], (steps, neurons))))
        for engine in sorted({*select.implementations()} - {"pallas"}):
            run = jax.jit(functools.partial(select.engine(engine), of))
            call = functools.partial(run, *arrays)
            rows.append(timing.Case(f"{name}, {engine}", call, floor))
    return rows


def bandwidth(steps: int, neurons: int, rows: Mapping[str, timing.Row]) -> str:
    """Bytes that must move over the median time, as a line of text."""
    rates = {}
    for name, row in rows.items():
        streams = next(sum(s) for loop, s in STREAMS.items() if loop in name)
        rates[name] = 4 * streams * steps * neurons / (1e6 * row.median_ms)
    return "GB/s: " + "; ".join(f"{name} {rate:.3g}" for name, rate in rates.items()) + "."


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    report = timing.Report("Engines, CUBA neuron")
    on_gpu = jax.default_backend() == "gpu"
    for shape in TINY_SHAPES if chosen.tiny else GPU_SHAPES if on_gpu else SHAPES:
        rows = report.add(f"[T, N] = {list(shape)}", cases(*shape), rounds=chosen.rounds)
        report.say(bandwidth(*shape, rows))
    if not on_gpu:
        report.say("\n".join(f"No {name}: {select.missing(name)}." for name in select.BACKENDS))
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
