"""Compiles whole training steps for GPUs; a row of a table for each."""

import functools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax

from benchmarks import pilotnet_step, recurrent_step
from jslayer import loss, training
from jslayer.block import Sequential, cuba
from jslayer.ops.engines import select
from tools.gpu_compile import program, targets
from tools.gpu_compile.kernels import COPY_SHARE

NEURON = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03, "requires_grad": True}
Case = tuple[Any, tuple[int, ...], tuple[int, ...], Any, Any, int]
"""Network, shapes of a batch's input and target, type of the input, loss, and neurons of its
narrowest hidden activation."""

TURNED = {"convolution": (4, 9), "pilotnet": (5, 12)}
"""Whole activations that one GPU and several may turn, where it is not two at the ends.

Flattening images turns the last of them into the order of the weights, forward and backward. XLA
lays one convolution of PilotNet out in another way. Over several devices a convolution's images
must have the split batch as their major axis.
"""


def dense() -> Case:
    """N-MNIST, from booleans."""
    more = {"weight_norm": True, "delay": True}
    network = [
        cuba.Flatten(),
        cuba.Dense(NEURON, 2312, 512, **more),
        cuba.Dense(NEURON, 512, 512, **more),
        cuba.Dense(NEURON, 512, 10, weight_norm=True),
    ]
    shape = (32, 2, 34, 34, 300)
    return Sequential(network), shape, (32,), jnp.bool_, loss.SpikeRate(0.2, 0.03), 512


def convolution() -> Case:
    """Two convolutions with pools."""
    more = {"padding": 1, "weight_scale": 2, "weight_norm": True}
    network = [
        cuba.Conv(NEURON, 2, 16, 3, **more),
        cuba.Pool(NEURON, 2),
        cuba.Conv(NEURON, 16, 32, 3, **more),
        cuba.Pool(NEURON, 2),
        cuba.Flatten(),
        cuba.Dense(NEURON, 2048, 10, weight_norm=True),
    ]
    shape = (32, 2, 32, 32, 100)
    return Sequential(network), shape, (32,), jnp.float32, loss.SpikeRate(0.2, 0.03), 2048


def recurrent() -> Case:
    """A block with feedback and a read-out."""
    network = [recurrent_step.blocks(512, 256)["Recurrent"], cuba.Dense(NEURON, 256, 10)]
    shape = (32, 512, 200)
    return Sequential(network), shape, (32,), jnp.float32, loss.SpikeRate(0.2, 0.03), 256


def pilotnet() -> Case:
    """Sigma-delta neurons, norms, dropout."""
    size = pilotnet_step.Size()
    shape = (size.samples, *pilotnet_step.IMAGE, size.length)
    target = (size.samples, 1, size.length)
    network = pilotnet_step.network(size)
    return network, shape, target, jnp.float32, pilotnet_step.to_target, 2000


FAMILIES: dict[str, Callable[[], Case]] = {
    made.__name__: made for made in (dense, convolution, recurrent, pilotnet)
}


def rows(
    target: targets.Target, names: Sequence[str], count: int, folder: Path, ptxas: Path, keep: str
) -> Iterator[dict[str, Any]]:
    """Compiles each training step for ``count`` GPUs, and tells what is in it."""
    select.missing = functools.partial(select.unfit, device=target.device())
    select.engine.cache_clear()
    mesh = target.mesh(count)
    for name in names:
        row = {"step": name, "GPUs": count}
        try:
            yield {**row, **compiled(target, mesh, FAMILIES[name](), folder, ptxas, keep, name)}
        except Exception as error:
            yield {**row, "fault": f"{type(error).__name__}: {str(error)[:300]}"}


def compiled(
    target: targets.Target,
    mesh: jax.sharding.Mesh,
    case: Case,
    folder: Path,
    ptxas: Path,
    keep: str,
    name: str,
) -> dict[str, Any]:
    """What one step is made of."""
    network, shape, target_shape, dtype, objective, narrowest = case
    x = jax.ShapeDtypeStruct(shape, dtype)
    like = jnp.zeros((1, *shape[1:]), dtype)
    state = jax.eval_shape(lambda: training.create_state(network, like, optax.adam(1e-3)))
    wanted = jnp.int32 if len(target_shape) == 1 else jnp.float32
    place = lambda *spec: (
        lambda leaf: jax.ShapeDtypeStruct(
            leaf.shape,
            leaf.dtype,
            sharding=jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*spec)),
        )
    )
    split = place("batch")
    step = training.train_step(objective)
    with target.context():
        arguments = jax.tree.map(place(), state), split(x)
        label = split(jax.ShapeDtypeStruct(target_shape, wanted))
        traced = step.trace(*arguments, label)
        lowered = traced.lower(lowering_platforms=("cuda",))
        made = targets.compile_kept(lowered, folder, target.options)
    text = made.as_text()
    if keep:
        Path(keep).mkdir(parents=True, exist_ok=True)
        (Path(keep) / f"{name}_{mesh.size}.txt").write_text(text)
    analysis = made.memory_analysis()
    assembled = targets.assemble(folder, ptxas)
    activation = shape[0] * shape[-1] * narrowest // mesh.size
    allowed = TURNED.get(name, (2, 2))[mesh.size > 1]
    faults = program.faults(text, shape[-1], activation, allowed)
    spilt = [one for one in assembled if one.spilt]
    faults += [f"{one.name} spills {one.spilt} bytes" for one in spilt]
    outside, inside = program.launches(text)
    times = predicted(target, program.moved(text), flops(traced.jaxpr.jaxpr) / mesh.size)
    asked = program.asked(text)
    calls = re.findall(r'custom_call_target="([^"]+)"', text)
    return {
        "neuron kernels": sum("mosaic" in call or "triton" in call for call in calls),
        "launches": outside,
        "of a step of each loop": " ".join(map(str, inside)),
        "transposes": len(program.turned(text, activation)),
        "gathers": sum(n for kind, n in asked.items() if kind != "all-reduce"),
        "all-reduces": asked["all-reduce"],
        "temporary, MiB": analysis.temp_size_in_bytes / 2**20,
        **{f"{kind}, us": taken for kind, taken in times.items()},
        "most registers": max((one.registers for one in assembled), default=""),
        "fault": "; ".join(faults),
    }


LAUNCH_US = 1.5
"""That a launch takes at least."""


def predicted(
    target: targets.Target, moved: dict[str, list[int]], products: float
) -> dict[str, float]:
    """Lower bounds by kind of launch: each takes its bytes' time, or that of a launch."""
    bandwidth = COPY_SHARE * target.bandwidth / 1e6
    found = {
        kind: sum(max(size / bandwidth, LAUNCH_US) for size in sizes)
        for kind, sizes in moved.items()
    }
    float32 = 2 * target.cores * target.lanes * target.clock_ghz * 1e3
    found["products"] = max(found["products"], products / float32)
    return found


def flops(jaxpr: Any) -> float:
    """Operations of all products, each of them in float32."""
    total = 0.0
    for equation in jaxpr.eqns:
        params, name = equation.params, equation.primitive.name
        shapes = [getattr(atom.aval, "shape", ()) for atom in equation.invars]
        out = math.prod(getattr(equation.outvars[0].aval, "shape", ())) if equation.outvars else 0
        if name == "dot_general":
            summed = params["dimension_numbers"][0][0]
            total += 2 * out * math.prod(shapes[0][axis] for axis in summed)
        elif name == "conv_general_dilated":
            outputs = shapes[1][params["dimension_numbers"].rhs_spec[0]]
            spread = math.prod(params["lhs_dilation"])  # zeros between are no work
            total += 2 * out * math.prod(shapes[1]) / outputs / spread
        elif name == "cond":  # one for each platform, or either
            total += max(flops(branch.jaxpr) for branch in params["branches"])
        else:
            inner = (getattr(value, "jaxpr", None) for value in params.values())
            times = params["length"] if name == "scan" else 1
            total += times * sum(flops(getattr(j, "jaxpr", j)) for j in inner if j is not None)
    return total
