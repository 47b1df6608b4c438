"""Device time of kernels: of the engines beside a copy, and of the ways to cut a kernel."""

import functools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import engines
from jslayer.ops.engines import kernel, select, tuning
from jslayer.ops.engines.passes import Pass

QUEUED = 20
"""Calls in flight together, so that the device never waits for the host, if memory allows."""
IN_FLIGHT_BYTES = 16 << 30
ROTATED_BYTES = 256 << 20
"""Inputs take turns until they are larger than any cache."""


def device_ms(call: Callable[..., Any], arguments: Sequence[Any], rounds: int) -> float:
    """Median time of one call in milliseconds, of ``rounds`` groups of calls queued together."""
    done = jax.block_until_ready(call(*arguments[0]))
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(done))
    queued = min(QUEUED, max(2, IN_FLIGHT_BYTES // size))
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        for k in range(queued):
            done = call(*arguments[k % len(arguments)])
        jax.block_until_ready(done)
        taken.append((time.perf_counter() - start) / queued)
    return 1e3 * statistics.median(taken)


def kernels(call: Callable[[], Any]) -> list[tuple[str, float]]:
    """Names and milliseconds of what the device ran, by its own counters; empty without them."""
    try:
        from jax._src.lib import mosaic_gpu

        counters = mosaic_gpu._mosaic_gpu_ext
        counters._cupti_init()
    except Exception:  # no CUPTI, or another version of this interface
        return []
    try:
        call()
    finally:
        found = counters._cupti_get_timings(True)
    return [(str(name), float(taken)) for name, taken in found]


def kernel_ms(call: Callable[..., Any], arguments: Sequence[Any], rounds: int) -> float | None:
    """Mean time of one call on the device alone, or ``None`` where it has no counters."""

    def several():
        for k in range(rounds):  # what comes out is dropped at once: it may be large
            jax.block_until_ready(call(*arguments[k % len(arguments)]))

    found = kernels(several)
    return sum(taken for _, taken in found) / rounds if found else None


def breakdown(call: Callable[[], Any], most: int = 25) -> list[dict[str, Any]]:
    """What one call runs on the device: kernels by name, the longest first."""
    jax.block_until_ready(call())
    waited = lambda: jax.block_until_ready(call())
    sums: dict[str, list[float]] = {}
    for name, taken in kernels(waited):
        sums.setdefault(name, []).append(taken)
    rows = [{"kernel": n[:80], "launches": len(t), "ms": sum(t)} for n, t in sums.items()]
    rows.sort(key=lambda row: -row["ms"])
    launches, taken = sum(r["launches"] for r in rows), sum(r["ms"] for r in rows)
    return [{"kernel": "all", "launches": launches, "ms": taken}, *rows[:most]]


def rotated(arguments: tuple[Any, ...], on_gpu: bool) -> list[tuple[Any, ...]]:
    """Copies of the arguments, as many as it takes to be larger than a cache."""
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(arguments))
    copies = min(8, max(1, ROTATED_BYTES // size)) if on_gpu else 1
    copy = lambda leaf: jnp.array(leaf, copy=True)
    return [arguments, *(jax.tree.map(copy, arguments) for _ in range(copies - 1))]


def beside_a_copy(steps: int, neurons: int, names: Sequence[str], rounds: int) -> Iterator[dict]:
    """Rows of all passes: device time, bytes per second, and their share of a copy's."""
    on_gpu = jax.default_backend() == "gpu"
    for name, (of, *nests) in engines.time_loops(steps, neurons).items():
        reads, writes = engines.STREAMS[name]
        moved = 4 * (reads + writes) * steps * neurons
        copy = engines.copy(reads, writes, (steps, neurons))
        calls = {"copy": (copy.func, rotated(copy.args, on_gpu))}
        sets = rotated(tuple(nests), on_gpu)
        for engine in names:
            calls[engine] = jax.jit(functools.partial(select.engine(engine), of)), sets
        floor = None
        for engine, (call, several) in calls.items():
            start = time.perf_counter()
            jax.block_until_ready(call(*several[0]))
            first = time.perf_counter() - start
            few = max(1, rounds // 10) if engine == "scan" else rounds
            queued = device_ms(call, several, few)
            alone = None if engine == "scan" else kernel_ms(call, several, rounds)
            taken = alone or queued
            floor = floor or taken
            yield {
                "pass": name,
                "engine": engine,
                "first call, s": round(first, 2),
                "queued, ms": queued,
                "on the device, ms": alone or "",
                "GB/s": moved / (1e6 * taken),
                "share of the copy": floor / taken,
            }


def tiles(name: str, of: Pass, neurons: int) -> Iterator[tuning.Tile]:
    """The ways to cut a kernel that compile in reasonable time."""
    many = neurons >= tuning.MANY_NEURONS
    blocks = (128, 256, 512) if name == "mosaic" else (32, 64, 128, 256)
    chunks = (4, 8, 16) if name == "mosaic" else (2, 4, 8)
    for block in blocks if many else blocks[:1]:
        vecs = (1, 2, 4) if name == "mosaic" else (1,)
        for vec in vecs:
            if vec * tuning.THREADS > max(block, tuning.THREADS) or neurons % vec:
                continue
            for chunk in chunks if many else (*chunks, 2 * chunks[-1]):
                if chunk * block // tuning.THREADS <= (32 if of.reverse else 64):
                    yield tuning.Tile(block, vec, chunk)


def sweep(
    steps: int,
    neurons: int,
    passes: Sequence[str],
    names: Sequence[str],
    rounds: int,
    until: float,
) -> Iterator[Mapping[str, Any]]:
    """Rows of every way to cut, as long as the clock allows."""
    on_gpu = jax.default_backend() == "gpu"
    interpret = {} if on_gpu else {"interpret": True}
    found = engines.time_loops(steps, neurons)
    for pass_name in passes:
        of, *nests = found[pass_name]
        sets = rotated(tuple(nests), on_gpu)
        for name in names:
            module = select.backend(name)
            streams = len(jax.tree.leaves(nests[-1]))
            chosen = module.tile(steps, neurons, streams)
            for tile in tiles(name, of, neurons) if on_gpu else [tuning.Tile(128, 1, 2)]:
                if time.monotonic() > until:
                    return
                run = jax.jit(functools.partial(kernel.run, module, of, tile=tile, **interpret))
                try:
                    start = time.perf_counter()
                    jax.block_until_ready(run(*sets[0]))
                    first = time.perf_counter() - start
                    alone = kernel_ms(run, sets, rounds) or device_ms(run, sets, rounds)
                except Exception as error:
                    first, alone = 0.0, f"{type(error).__name__}"
                yield {
                    "pass": pass_name,
                    "backend": name,
                    "block": tile.block,
                    "vec": tile.vec,
                    "chunk": tile.chunk,
                    "first call, s": round(first, 2),
                    "ms": alone,
                    "chosen": "yes" if tile == chosen else "",
                }
