"""Compiles every dynamics' passes for one GPU, with feedback too; a row of a table for each."""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jslayer.ops import recurrent
from jslayer.ops.engines import feedback, kernel, select
from jslayer.ops.engines.rewrite import rewritten
from tests.ops.engines.cases import BY_NAME
from tools.gpu_compile import targets

STEPS, NEURONS = 300, 65536
COPY_SHARE = 0.9
"""Share of the data sheet's bandwidth that a copy reaches."""
CHAIN_CYCLES = 55
"""Cycles from one step of a neuron to its next, at least."""
FEEDBACK = (200, 32, 128)
"""Steps, samples, channels of a pass with feedback."""
CACHE_BYTES = 128
"""That a processor reads from its own cache in a cycle."""
RECURRENT = ("cuba", "alif", "rf", "rf_iz", "adrf", "adrf_iz", "sigma-delta")
"""Dynamics of the blocks with feedback."""
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
                if module is None or select.unfit(backend, target.device()):
                    continue
                run = functools.partial(kernel.run, module, of)
                yield {**row, **assembled(target, run, arrays, bounds, folder, ptxas)}
        if "triton" in backends and name in RECURRENT:
            for of, arrays in with_feedback(BY_NAME[name], whole):
                row = {"kernel": of.name, "dynamics": name, "backend": "triton"}
                run = functools.partial(feedback.run, of)
                bounds = predicted_feedback(target, of, arrays)
                yield {**row, **assembled(target, run, arrays, bounds, folder, ptxas)}


def assembled(
    target: targets.Target,
    run: Callable[..., Any],
    arrays: tuple[Any, ...],
    bounds: dict[str, Any],
    folder: Path,
    ptxas: Path,
) -> dict[str, Any]:
    """Compiles one kernel, and tells what the assembler says of it."""
    try:
        with target.context(), contextlib.redirect_stdout(None):
            lowered = jax.jit(run).trace(*arrays).lower(lowering_platforms=("cuda",))
            targets.compile_kept(lowered, folder)
        (made,) = (one for one in targets.assemble(folder, ptxas) if "jslayer" in one.name)
    except Exception as error:
        found = f"{type(error).__name__}: {str(error)[:160]}"
        return {"registers": "", "occupancy": "", **bounds, "fault": found}
    fault = f"{made.spilt} bytes spilt" if made.spilt else ""
    return {"registers": made.registers, "occupancy": made.occupancy, **bounds, "fault": fault}


def with_feedback(case: Any, sharding: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The three passes of a dynamics with feedback, each with the shapes of its arguments."""
    steps, samples, channels = FEEDBACK
    leaf = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)
    row = leaf(samples, channels)
    params = {name: row for name in case.params}
    x = jax.tree.map(lambda _: leaf(steps, samples, channels), case.inputs(1, 1))
    weight = jax.tree.map(lambda _: leaf(channels, channels), x)
    placed = lambda nest: jax.tree.map(
        lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=sharding), nest
    )
    constants = jax.eval_shape(case.dynamics.prepare, params)
    state = jax.eval_shape(case.dynamics.init, row)
    start = (weight, (constants, None)), (state, row), x
    make = functools.partial(recurrent.forward_pass, case.dynamics, "spike", jax.tree.structure(x))
    yield make(residuals=False), placed(start)
    yield make(residuals=True), placed(start)
    now = jax.tree.map(lambda _: row, x)
    step = case.dynamics.step_with_residuals
    _, outputs, residuals = jax.eval_shape(step, constants, state, now)
    over_time = jax.tree.map(lambda a: jax.ShapeDtypeStruct((steps, *a.shape), a.dtype), residuals)
    bars = {name: leaf(steps, samples, channels) for name in outputs}
    adjoint = jax.eval_shape(case.dynamics.adjoint_init, row)
    carry = (adjoint, params), now
    of = recurrent.backward_pass(case.dynamics, "spike")
    yield of, placed(((weight, (params, None)), carry, (over_time, bars)))


def predicted_feedback(target: targets.Target, of: Any, arrays: Any) -> dict[str, Any]:
    """As `predicted`; the chain is what a sample's processor reads in a step, and its loads."""
    (matrices, rows), carry, inputs = arrays
    first = jax.tree.leaves(inputs)[0]
    heard = jax.tree.map(lambda _: first, matrices)
    size = sum(4 * leaf.size for leaf in jax.tree.leaves(matrices))
    groups = first.shape[-1] // feedback.TOGETHER
    cycles = CHAIN_CYCLES + size / CACHE_BYTES + groups * CHAIN_CYCLES
    return predicted(target, of.step_alone, (rows, carry, (inputs, heard)), cycles)


def predicted(
    target: targets.Target, of: Any, arrays: Any, cycles: float = CHAIN_CYCLES
) -> dict[str, Any]:
    """Bytes that must move, and the three lower bounds on the time in microseconds.

    ``cycles`` are those from one step of a neuron to its next.
    """
    rows, carry, inputs = arrays
    steps, *neurons = jax.tree.leaves(inputs)[0].shape
    now = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), inputs)
    carry, outputs = jax.eval_shape(of.step, rows, carry, now)
    size = lambda nest: sum(math.prod(a.shape) * a.dtype.itemsize for a in jax.tree.leaves(nest))
    moved = size(arrays) + size(carry) + steps * size(outputs)
    jaxpr = jax.make_jaxpr(rewritten(of.step))(rows, carry, now)
    loaded = len(jax.tree.leaves(arrays[-1])) + len(jax.tree.leaves(outputs))
    work = loaded + sum(equation.primitive.name not in FREE for equation in jaxpr.jaxpr.eqns)
    per_second = target.cores * target.lanes * target.clock_ghz * 1e9
    times = {
        "bytes": moved / (COPY_SHARE * target.bandwidth),
        "issue": work * steps * math.prod(neurons) / per_second,
        "chain": steps * cycles / (target.clock_ghz * 1e9),
    }
    limit = max(times, key=times.__getitem__)
    return {
        "MB": moved / 1e6,
        "operations": work,
        **{f"{name}, us": 1e6 * taken for name, taken in times.items()},
        "limited by": limit,
    }
