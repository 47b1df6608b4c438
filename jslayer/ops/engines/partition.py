"""Runs a kernel on each device's own neurons.

A compiler that splits a program over devices knows nothing of a kernel, and gathers all that goes
into it. Here it is told that axes of neurons and mapped axes may be split and time may not: neurons
of a pass have nothing to do with each other, so that no device asks another. With feedback that
holds for samples.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.experimental.custom_partitioning import custom_partitioning

from jslayer.ops import layout
from jslayer.ops.dynamics import Tree
from jslayer.ops.engines.passes import Engine, FeedbackPass, Pass

TIME, CHANNEL, SENDER = WHOLE = "t", "c", "s"
"""Axes that no device has a part of: time, and channels that feed each other."""
Names = jax.P
"""Names of the axes of an array: those, ``n0`` ... of neurons, ``m0`` ... of `jax.vmap`.

A `jax.P` because that is one leaf of a nest.
"""


def run(engine: Engine, of: Pass, fixed: Tree, carry: Tree, inputs: Tree) -> tuple[Tree, Tree]:
    """Runs a pass by ``engine`` on each device, with the neurons that this device holds.

    With automatic mesh axes only the compiler knows what is split; explicit ones stand in the types
    of the arrays; and inside of `jax.shard_map` the arrays are those of one device already.

    Args:
      engine: Runs the pass of one device.
      of: The pass.
      fixed: ``[*neurons]`` arrays.
      carry: ``[*neurons]`` arrays.
      inputs: ``[T, *neurons]`` arrays, at least one.

    Returns:
      The last carry and the outputs, split like the inputs.
    """
    if layout.one_device() or layout.varies(fixed, carry, inputs):
        return engine(of, fixed, carry, inputs)
    shape = jax.tree.leaves(inputs)[0].shape[1:]
    fixed = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape), fixed)
    row = tuple(f"n{axis}" for axis in range(len(shape)))
    call = functools.partial(engine, of)
    return _mapped(call, (row, row, (TIME, *row)), ())(fixed, carry, inputs)


def run_samples(
    engine: Callable[..., tuple[Tree, Tree]],
    of: FeedbackPass,
    fixed: tuple[Tree, Tree],
    carry: Tree,
    inputs: Tree,
) -> tuple[Tree, Tree]:
    """Runs a pass with feedback, each device with its own samples.

    Args:
      engine: Runs the pass of one device.
      of: The pass.
      fixed: ``[C, C]`` matrices and ``[N, C]`` arrays, a pair of nests.
      carry: ``[N, C]`` arrays.
      inputs: ``[T, N, C]`` arrays, at least one.

    Returns:
      The last carry and the outputs, split like the inputs.
    """
    if layout.one_device() or layout.varies(fixed, carry, inputs):
        return engine(of, fixed, carry, inputs)
    row = ("n0", CHANNEL)
    call = lambda matrices, rows, *rest: engine(of, (matrices, rows), *rest)
    axes = (CHANNEL, SENDER), row, row, (TIME, *row)
    return _mapped(call, axes, ())(*fixed, carry, inputs)


def _mapped(call: Callable[..., Any], axes: tuple[Any, ...], levels: tuple[Any, ...]) -> Any:
    """``call`` over leading axes; a level tells for every array whether it has that axis.

    What the compiler is told to split has no rule for `jax.vmap`; a kernel has one, and stays one.
    ``axes`` names those of the arrays of each nest; the last two nests are the carry and the
    inputs, and what comes out has the same.
    """

    @custom_vmap
    def run(*nests):
        return _split(call, axes, levels, nests)

    @run.def_vmap
    def rule(size, has_axis, *nests):
        del size
        out = _mapped(call, axes, (tuple(has_axis), *levels))(*nests)
        return out, jax.tree.map(lambda _: True, out)

    return run


def _split(call, axes, levels, nests):
    local = call
    for has_axis in reversed(levels):  # the last one is the first that was mapped
        local = jax.vmap(local, jax.tree.map(lambda has: 0 if has else None, has_axis))
    mapped = [f"m{level}" for level in range(len(levels))]

    def named(names, nest, *has_axis):
        own = lambda *has: [name for name, yes in zip(mapped, has, strict=True) if yes]
        return jax.tree.map(lambda _, *has: Names(*own(*has), *names), nest, *has_axis)

    given = tuple(map(named, axes, nests, *levels))
    plain = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)
    carry, outputs = jax.eval_shape(local, *jax.tree.map(plain, nests))
    made = (
        jax.tree.map(lambda _: Names(*mapped, *axes[-2]), carry),
        jax.tree.map(lambda _: Names(*mapped, *axes[-1]), outputs),
    )
    if any(any(_spec(leaf)) for leaf in jax.tree.leaves(nests)):
        return _split_by_type(local, nests, given, made)
    return _split_by_compiler(local, nests, given, made)


def _split_by_type(local, nests, given, made):
    """Over explicit mesh axes."""
    types = jax.tree.map(_spec, nests)
    axes = _mesh_axes(given, types)
    specs = jax.tree.map(axes, given)
    reshard = lambda leaf, now, then: leaf if now == then else jax.sharding.reshard(leaf, then)
    mesh = jax.typeof(jax.tree.leaves(nests)[0]).sharding.mesh
    kinds = zip(mesh.axis_names, mesh.axis_types, strict=True)
    return jax.shard_map(
        lambda *nests: _split_by_compiler(local, nests, given, made),
        mesh=mesh,
        axis_names={name for name, kind in kinds if kind == jax.sharding.AxisType.Explicit},
        in_specs=specs,
        out_specs=jax.tree.map(axes, made),
        check_vma=False,
    )(*jax.tree.map(reshard, nests, types, specs))


def _split_by_compiler(local, nests, given, made):
    """Over automatic mesh axes; where there are none, nothing of this is left in the program."""
    if not getattr(jax.config, "jax_use_shardy_partitioner", True):
        return local(*nests)  # JAX's former partitioner takes no such rule: right, but gathered

    def split(mesh, arguments, results):
        del results
        axes = _mesh_axes(given, jax.tree.map(lambda leaf: leaf.sharding.spec, arguments))
        place = lambda names: jax.NamedSharding(mesh, axes(names))
        return mesh, local, jax.tree.map(place, made), jax.tree.map(place, given)

    side = lambda names: ", ".join(map(" ".join, jax.tree.leaves(names)))
    rule = f"{side(given)} -> {side(made)}"
    run = custom_partitioning(lambda *nests: local(*nests))
    # the compiler wants them in the order in which the rule names them
    named = dict.fromkeys(itertools.chain.from_iterable(jax.tree.leaves(given)))
    whole = tuple(name for name in named if name in WHOLE)
    run.def_partition(split, sharding_rule=rule, need_replication_factors=whole)
    return run(*nests)


def _mesh_axes(names: Tree, specs: Tree) -> Callable[[Names], jax.P]:
    """From names of an array's axes to mesh axes: those of the first array that is split so."""
    found: dict[str, Any] = {}
    used: set[str] = set()
    for array, spec in zip(jax.tree.leaves(names), jax.tree.leaves(specs), strict=True):
        for name, split in zip(array, spec, strict=False):  # a specification may be short
            several = (split,) if isinstance(split, str) else tuple(split or ())
            if name not in (*WHOLE, *found) and several and used.isdisjoint(several):
                found[name] = split
                used.update(several)
    return lambda names: jax.P(*map(found.get, names))


def _spec(leaf):
    return jax.typeof(leaf).sharding.spec
