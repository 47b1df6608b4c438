"""Compiles every dynamics' passes for one GPU; prints a row of a table for each."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax

from jslayer.ops.engines import kernel, select
from jslayer.ops.engines.rewrite import rewritten
from tests.ops.engines.cases import BY_NAME
from tools.gpu_compile import targets

STEPS, NEURONS = 300, 65536
COPY_SHARE = 0.9
"""Share of the data sheet's bandwidth that a copy reaches."""
CHAIN_CYCLES = 55
"""Cycles from one step of a neuron to its next, at least."""
FREE = ("broadcast_in_dim", "convert_element_type", "copy", "reshape", "stop_gradient")


def rows(
    target: targets.Target, names: Sequence[str], backends: Sequence[str], folder: Path, ptxas: Path
) -> Iterator[dict[str, Any]]:
    """Compiles, and tells registers, what limits the time, and what is wrong, if anything is."""
    mesh = target.mesh(1)
    whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    large = {9: STEPS, 128: NEURONS}
    grown = lambda leaf: jax.ShapeDtypeStruct(
        tuple(large.get(size, size) for size in leaf.shape), leaf.dtype, sharding=whole
    )
    for name in names:
        for of, *nests in BY_NAME[name].passes(9, 128).values():
            arrays = jax.tree.map(grown, tuple(nests))
            bounds = predicted(target, of, arrays)
            for backend in backends:
                row = {"kernel": of.name, "dynamics": name, "backend": backend}
                module = select.backend(backend)
                if module is None or select.unfit(backend, _Device(target)):
                    continue
                try:
                    with target.context(), contextlib.redirect_stdout(None):
                        run = jax.jit(lambda *n, m=module, of=of: kernel.run(m, of, *n))
                        lowered = run.trace(*arrays).lower(lowering_platforms=("cuda",))
                        targets.compile_kept(lowered, folder)
                    (made,) = targets.assemble(folder, ptxas)
                except Exception as error:
                    found = f"{type(error).__name__}: {str(error)[:160]}"
                    yield {**row, "registers": "", "occupancy": "", **bounds, "fault": found}
                    continue
                fault = f"{made.spilt} bytes spilt" if made.spilt else ""
                counted = {"registers": made.registers, "occupancy": made.occupancy}
                yield {**row, **counted, **bounds, "fault": fault}


class _Device:
    """What `select.unfit` asks of a device."""

    def __init__(self, target: targets.Target):
        self.device_kind = target.kind
        self.compute_capability = f"{target.capability[0]}.{target.capability[1]}"


def predicted(target: targets.Target, of: Any, arrays: Any) -> dict[str, Any]:
    """Bytes that must move, and the three lower bounds on the time in microseconds."""
    carry, outputs = jax.eval_shape(of.step, *jax.tree.map(_row, arrays))
    size = lambda nest: sum(math.prod(a.shape) * a.dtype.itemsize for a in jax.tree.leaves(nest))
    moved = size(arrays) + size(carry) + STEPS * size(outputs)
    jaxpr = jax.make_jaxpr(rewritten(of.step))(*jax.tree.map(_row, arrays))
    loaded = len(jax.tree.leaves(arrays[-1])) + len(jax.tree.leaves(outputs))
    work = loaded + sum(equation.primitive.name not in FREE for equation in jaxpr.jaxpr.eqns)
    per_second = target.cores * target.lanes * target.clock_ghz * 1e9
    times = {
        "bytes": moved / (COPY_SHARE * target.bandwidth),
        "issue": work * STEPS * NEURONS / per_second,
        "chain": STEPS * CHAIN_CYCLES / (target.clock_ghz * 1e9),
    }
    limit = max(times, key=times.__getitem__)
    return {
        "MB": moved / 1e6,
        "operations": work,
        **{f"{name}, us": 1e6 * taken for name, taken in times.items()},
        "limited by": limit,
    }


def _row(leaf):
    return jax.ShapeDtypeStruct(leaf.shape[-1:], leaf.dtype)
