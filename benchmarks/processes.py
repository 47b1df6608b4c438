"""Several processes on this machine: memory and time of each, and what a step sends on 64 GPUs.

The processes share this machine's cores and talk over loopback, so that their time says only what
the layout costs; their memory is as on machines of their own. What 8 machines of 8 GPUs would send
is read from the step compiled for 64 simulated devices, and predicted from published bandwidths:
nothing of it is measured.
Run ``python -m benchmarks.processes`` or ``python benchmarks/processes.py``; ``--help`` lists the
options.
"""

import argparse
import json
import math
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import nmnist_step, sharding, timing
from jslayer import loss, training
from jslayer.block import Sequential

HOSTS, GPUS = 8, 8
NVLINK, NETWORK = 450e9, 50e9
"""Bytes a second that an H100 SXM sends: by NVLink 4, and by its own port of 400 Gbit/s."""
LATENCY_S = 30e-6
"""Of one collective operation over all machines: assumed."""
SAMPLES, STEP_S = 32, 2.77e-3
"""Samples of one GPU, and seconds of a step of them, on an H200: `results/gpu_networks.md`."""
SIZES, TINY_SIZES = (2312, 512, 512, 10), (8, 6, 2)
BYTES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s64": 8, "u64": 8, "f64": 8}
KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")


def collectives(program: str) -> dict[str, tuple[int, int]]:
    """How many collective operations of each kind a compiled program has, and their bytes."""
    found: dict[str, tuple[int, int]] = {}
    pattern = rf"= (\(.*?\)|\S+) ({'|'.join(KINDS)})(?:-start)?\("
    for shape, kind in re.findall(pattern, program):
        sizes = (
            BYTES.get(dtype, 4) * math.prod(int(size) for size in dims.split(",") if size)
            for dtype, dims in re.findall(r"([a-z]+\d*)\[([\d,]*)\]", shape)
        )
        count, total = found.get(kind, (0, 0))
        found[kind] = count + 1, total + sum(sizes)
    return found


def program(tiny: bool) -> str:
    """The N-MNIST training step, compiled for all devices of this process."""
    mesh = training.data_mesh()
    sizes, steps = (TINY_SIZES, 4) if tiny else (SIZES, 300)
    network = nmnist_step.network(sizes, implementation="scan")
    x = jax.ShapeDtypeStruct((SAMPLES * mesh.size, sizes[0], steps), jnp.float32)
    sample = jnp.zeros((1, *x.shape[1:]))
    state = jax.eval_shape(lambda: training.create_state(network, sample, optax.adam(1e-3)))
    step = training.train_step(loss.SpikeRate(0.2, 0.03))

    def place(leaf, *spec):
        sharding = jax.NamedSharding(mesh, jax.P(*spec))
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)

    label = jax.ShapeDtypeStruct(x.shape[:1], jnp.int32)
    held = jax.tree.map(place, state)
    arguments = held, place(x, "batch"), place(label, "batch")
    return step.lower(*arguments).compile().as_text()


def seconds(count: int, total: int) -> float:
    """Predicted time of all-reduces over `HOSTS` machines: within them, between them, within."""
    inside = 2 * (GPUS - 1) / GPUS * total / NVLINK
    between = 2 * (HOSTS - 1) / HOSTS * total / GPUS / NETWORK
    return inside + between + count * LATENCY_S


class Process:
    """What one of the processes does: it trains, and writes what that took."""

    def __init__(self, options: argparse.Namespace):
        start = time.perf_counter()
        count = options.processes
        if count > 1:
            training.distributed(options.coordinator, count, options.process)
        self.begun_s = time.perf_counter() - start
        self.count, self.rounds, self.tiny = count, options.rounds, options.tiny

    def measured(self, network: Sequential, shape: tuple[int, ...], batch: int) -> dict[str, Any]:
        """Trains a network on this process's part of a batch."""
        random = np.random.default_rng(0)
        own = training.BatchSharding().rows(batch)
        x = np.asarray(random.random((batch, *shape)) < 0.05, np.float32)[own]
        label = random.integers(0, 2, batch).astype(np.int32)[own]
        state = training.create_state(network, x[:1], optax.adam(1e-3))
        state, held = training.shard(state, (x, label))
        step = training.train_step(loss.SpikeRate(0.2, 0.03)).lower(state, *held).compile()
        times = []
        for _ in range(self.rounds + 1):
            start = time.perf_counter()
            state, metrics = step(state, *held)
            jax.block_until_ready(metrics)
            times.append(time.perf_counter() - start)
        return {
            "temporary, MiB": step.memory_analysis().temp_size_in_bytes / 2**20,
            "largest resident size, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "median, ms": 1e3 * statistics.median(times[1:]),
            "min, ms": 1e3 * min(times[1:]),
            "max, ms": 1e3 * max(times[1:]),
            "collectives": collectives(step.as_text()),
        }


def launched(count: int, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Runs so many processes; returns a row for each network, of the slowest and largest."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        running = []
        for number in range(count):
            command = [sys.executable, __file__, "--coordinator", address, "--worker", folder]
            command += ["--processes", str(count), "--process", str(number)]
            command += ["--rounds", str(chosen.rounds), *["--tiny"] * chosen.tiny]
            running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        if any([process.wait() for process in running]):
            sys.exit(f"one of {count} processes failed; see its message above")
        each = [json.loads((Path(folder) / str(n)).read_text()) for n in range(count)]
    rows = []
    for name in each[0]:
        row: dict[str, Any] = {"case": f"{name}: {count} process{'es' * (count > 1)}"}
        for column in each[0][name]:
            values = [found[name][column] for found in each]
            row[column] = (min if column == "min, ms" else max)(values, key=str_or_number)
        sent = row.pop("collectives")
        row["all-reduces"] = sent.get("all-reduce", (0, 0))[0]
        row["their MiB"] = sum(total for _, total in sent.values()) / 2**20
        rows.append(row)
    return rows


def str_or_number(value: Any) -> Any:
    """A key by which numbers and dictionaries alike can be compared."""
    return str(value) if isinstance(value, dict) else value


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    timing.add_options(parser)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--coordinator", help=argparse.SUPPRESS)
    parser.add_argument("--processes", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)
    chosen = timing.parsed(parser, argv)
    if chosen.worker:
        process, batch = Process(chosen), sharding.TINY_BATCH if chosen.tiny else sharding.BATCH
        networks = {"dense": sharding.dense} | ({} if chosen.tiny else {"images": sharding.images})
        found = {
            name: {"begin, s": process.begun_s, **process.measured(*make(chosen.tiny), batch)}
            for name, make in networks.items()
        }
        (Path(chosen.worker) / str(chosen.process)).write_text(json.dumps(found))
        return
    if not chosen.tiny:
        # of no effect where there are real devices, and refused once any is in use
        jax.config.update("jax_num_cpu_devices", HOSTS * GPUS)
    report = timing.Report("Training on several processes of one machine")
    report.say(
        "One device each, loopback, Gloo; the same batch of 64 over all. Of the processes the "
        "slowest and the largest."
    )
    counts = (2,) if chosen.tiny else (1, 2, 4)
    rows = [row for count in counts for row in launched(count, chosen)]
    report.add_rows("memory and time of each process", sorted(rows, key=lambda row: row["case"]))
    predict(report, collectives(program(chosen.tiny)))
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


def predict(report: timing.Report, sent: dict[str, tuple[int, int]]) -> None:
    """Reports what a step sends, and what that would cost on machines that are not here."""
    if not sent:
        report.say("One device: nothing is sent.")
        return
    rows = [{"kind": kind, "operations": n, "MiB": b / 2**20} for kind, (n, b) in sent.items()]
    title = f"N-MNIST step on {HOSTS} machines of {GPUS} H100: collectives of each GPU"
    report.add_rows(f"predicted: {title}", rows)
    count, total = (sum(values) for values in zip(*sent.values(), strict=True))
    report.say(
        f"Predicted, nothing of it measured: {SAMPLES} samples and {1e3 * STEP_S:.3g} ms of work "
        f"for each GPU (a step on an H200); NVLink {NVLINK / 1e9:.0f} GB/s, network "
        f"{NETWORK / 1e9:.0f} GB/s for each GPU, {1e6 * LATENCY_S:.0f} us for each operation, and "
        f"nothing at the same time as the gradient. As compiled for {jax.device_count()} "
        "processors, whose neurons are scans: kernels must be split in the same way."
    )
    taken = seconds(count, total)
    row = {"case": f"{HOSTS * GPUS} GPUs", "communication, ms": 1e3 * taken}
    title = "predicted: efficiency"
    report.add_rows(title, [row | {"efficiency": STEP_S / (STEP_S + taken)}])


if __name__ == "__main__":
    main()
