"""Everything that only a GPU can show, in one command: right first, then fast.

In this order, and each written as soon as it is there, so that a run that is cut off leaves what it
has: versions and device; exactness of every dynamics and family against the CPU; the engines beside
a copy of the same bytes; whole training steps; ways to cut the kernels.

Run ``python -m benchmarks.gpu``; it takes about seven minutes and writes
``benchmarks/results/gpu_*.md``. ``--rehearse`` runs all of it at a tiny size on a CPU, the kernels
interpreted. It needs a checkout, JAX for CUDA, and no network.
"""

import argparse
import concurrent.futures
import functools
import multiprocessing
import os
import sys
import time
import unittest.mock
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # several processes share it

import jax
import jax.numpy as jnp

from benchmarks import (
    engines,
    floors,
    gpu_exactness,
    gpu_speed,
    nmnist_step,
    pilotnet_step,
    recurrent_step,
    steps,
    timing,
)
from jslayer.ops.engines import feedback, select

SWEPT = ((300, 16384), (2000, 4096), (300, 131072))


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the steps that ``--only`` names, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--rehearse", action="store_true", help="tiny, interpreted, on a CPU")
    parser.add_argument("--only", default=",".join(STEPS), help="steps, with commas between them")
    parser.add_argument("--out", type=Path, default=timing.RESULTS, help="folder for the tables")
    parser.add_argument("--seconds", type=float, default=420, help="when to stop sweeping")
    parser.add_argument("--processes", type=int, default=None, help="for the exactness checks")
    chosen = parser.parse_args(argv)
    if not chosen.rehearse and jax.default_backend() != "gpu":
        parser.error(
            f"the default device is {jax.devices()[0].device_kind!r}, expected a GPU that JAX "
            "sees; install jax[cuda12], or give `--rehearse` to try the command on a CPU."
        )
    if unknown := [name for name in chosen.only.split(",") if name not in STEPS]:
        parser.error(f"`--only` names {', '.join(unknown)}, expected some of {', '.join(STEPS)}.")
    chosen.until = time.monotonic() + chosen.seconds
    chosen.rounds = 2 if chosen.rehearse else 30
    for name in chosen.only.split(","):
        start = time.monotonic()
        STEPS[name](chosen)
        print(f"{name}: {time.monotonic() - start:.0f} s\n", flush=True)


def names(chosen: argparse.Namespace) -> tuple[str, ...]:
    """Engines that can run here, the kernels interpreted on a CPU."""
    return select.interpreted() if chosen.rehearse else select.kernels()


def written(report: timing.Report, chosen: argparse.Namespace, name: str) -> None:
    """Keeps a report; a rehearsal is kept apart."""
    prefix = "rehearsal" if chosen.rehearse else "gpu"
    print(f"Written: {report.write(chosen.out.resolve() / f'{prefix}_{name}')}", flush=True)


def exactness(chosen: argparse.Namespace) -> None:
    """Every dynamics and family, GPU against CPU."""
    report = timing.Report("Exactness: the GPU beside the CPU")
    checks = gpu_exactness.checks(names(chosen), tiny=chosen.rehearse)
    if chosen.rehearse:
        rows = [gpu_exactness.run(check) for check in checks]
    else:
        count = chosen.processes or min(12, os.cpu_count() or 1)
        spawn = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        with concurrent.futures.ProcessPoolExecutor(count, mp_context=spawn) as pool:
            rows = list(pool.map(gpu_exactness.run, checks, chunksize=1))
    different = [row for row in rows if row["result"] != "equal"]
    report.say(
        f"{len(rows)} comparisons, {len(rows) - len(different)} equal: spikes, integer states and "
        f"residuals bit for bit, gradients within {gpu_exactness.BOUND:g} of their maximum."
    )
    if different:
        report.add_rows("different", different)
    report.add_rows("all", rows)
    written(report, chosen, "exactness")


def speed(chosen: argparse.Namespace) -> None:
    """The engines at four sizes."""
    report = timing.Report("Engines, CUBA neuron, beside a copy of the same bytes")
    gpu_speed.kernels(lambda: jax.block_until_ready(jnp.ones(3) + 1))  # the first time gives none
    on = names(chosen)
    for shape in engines.TINY_SHAPES if chosen.rehearse else engines.GPU_SHAPES:
        several = (*on, "scan") if shape[1] < 1 << 20 else on
        rows = list(gpu_speed.beside_a_copy(*shape, several, chosen.rounds))
        report.add_rows(f"[T, N] = {list(shape)}", rows)
        written(report, chosen, "engines")


def networks(chosen: argparse.Namespace) -> None:
    """Training steps, by the default engine and by scan."""
    report = timing.Report("Training steps")
    tiny = chosen.rehearse
    inputs, width, samples, length = (5, 4, 2, 6) if tiny else (512, 256, 32, 200)
    x, target = nmnist_step.batch(samples, inputs, width, length)
    blocks = recurrent_step.blocks(inputs, width)
    cases = [timing.Case(name, steps.gradients(made, x, target)) for name, made in blocks.items()]
    report.add(f"blocks, {inputs} to {width}, T = {length}", cases, rounds=chosen.rounds)
    report.add_rows("Recurrent, by kernel", gpu_speed.breakdown(cases[1].call, most=8))
    written(report, chosen, "networks")
    for width, samples in ((4, 2),) if tiny else ((128, 32), (256, 32), (256, 128)):
        x, target = nmnist_step.batch(samples, inputs, width, length)
        block = recurrent_step.blocks(inputs, width)["Recurrent"]
        ways = {"one kernel": lambda *_: True, "a loop of products": lambda *_: False}
        cases = []
        for name, pays in ways.items():
            with unittest.mock.patch.object(feedback, "pays", pays):
                jax.clear_caches()  # or the way that was chosen before is taken
                call = steps.gradients(block, x, target)
                compiled = call.func.lower(*call.args).compile()
            cases.append(timing.Case(name, functools.partial(compiled, *call.args)))
        title = f"Recurrent, {inputs} to {width}, batch {samples}, T = {length}"
        report.add(title, cases, rounds=chosen.rounds)
    written(report, chosen, "networks")
    size = pilotnet_step.TINY if tiny else pilotnet_step.Size()
    x, target = pilotnet_step.frames(size)
    call = steps.training(pilotnet_step.network(size), x, target, pilotnet_step.to_target)
    cases = [
        timing.Case("products alone", pilotnet_step.products(size)),
        timing.Case("step", call, "products alone"),
    ]
    report.add(f"PilotNet, batch {size.samples}, T = {size.length}", cases, rounds=chosen.rounds)
    report.add_rows("PilotNet, by kernel", gpu_speed.breakdown(call))
    written(report, chosen, "networks")
    sizes, samples, length = ((7, 5, 3), 2, 6) if tiny else ((2312, 512, 512, 10), 32, 300)
    x, target = nmnist_step.batch(samples, sizes[0], sizes[-1], length)
    cases = [timing.Case("products alone", floors.matmuls(sizes, samples, length))]
    for name, options, events in (
        ("boolean events", {}, x > 0),
        ("float events", {}, x),
        ("float events, bfloat16", {"dtype": jnp.bfloat16}, x),
        ("float events, engine scan", {"implementation": "scan"}, x),
    ):
        call = steps.training(nmnist_step.network(sizes, **options), events, target)
        cases.append(timing.Case(name, call, "products alone"))
    report.add(f"N-MNIST, batch {samples}, T = {length}", cases, rounds=chosen.rounds)
    report.add_rows("N-MNIST, float events, by kernel", gpu_speed.breakdown(cases[2].call))
    written(report, chosen, "networks")


def sweep(chosen: argparse.Namespace) -> None:
    """Ways to cut the kernels, until the time is up."""
    report = timing.Report("Ways to cut the kernels, CUBA neuron")
    on = tuple(name.removesuffix("_interpret") for name in names(chosen))
    loops = ("inference", "training forward", "backward")
    for shape in engines.TINY_SHAPES if chosen.rehearse else SWEPT:
        rows = list(gpu_speed.sweep(*shape, loops, on, chosen.rounds, chosen.until))
        if rows:
            report.add_rows(f"[T, N] = {list(shape)}", rows)
            written(report, chosen, "tiles")


STEPS = {"exactness": exactness, "speed": speed, "networks": networks, "sweep": sweep}
"""What is done, in this order."""


if __name__ == "__main__":
    main()
