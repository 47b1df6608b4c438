"""Memory of a training step against the number of time steps, and what each neuron adds to it.

The compiler says how much temporary memory it takes; nothing runs. Chunks of time
have a table of their own, `benchmarks.remat`. Run ``python -m benchmarks.memory`` or
``python benchmarks/memory.py``; ``--help`` lists options.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import neurons, nmnist_step, steps, timing
from jslayer import block, ops
from jslayer.block import cuba
from jslayer.ops import engine
from jslayer.ops.surrogate import Exponential

MIB = 1 << 20
SIZES, TINY_SIZES = (2312, 512, 512, 10), (7, 3)


def networks(tiny: bool) -> dict[str, tuple[nn.Module, tuple[int, ...], int]]:
    """Network, its input's shape without time, and its number of neurons, by name."""
    batch, sizes, side, features = (2, TINY_SIZES, 4, 2) if tiny else (32, SIZES, 32, 16)
    image = (batch, 2, side, side)
    recurrent = cuba.Recurrent(nmnist_step.NEURON, sizes[0], sizes[1])
    found = {
        f"N-MNIST network, batch {batch}": (
            nmnist_step.network(sizes),
            (batch, sizes[0]),
            sum(sizes[1:]),
        ),
        f"Recurrent {sizes[0]}-{sizes[1]}, batch {batch}": (
            recurrent,
            (batch, sizes[0]),
            sizes[1],
        ),
    }
    for name, params in neurons.PARAMS.items():
        if tiny and name not in neurons.TINY_FAMILIES:
            continue
        conv = getattr(block, name).Conv(params, 2, features, kernel_size=3, padding=1)
        title = f"{name}.Conv 2-{features} on {side} x {side}, batch {batch}"
        found[title] = (conv, image, features * side * side)
    return found


def row(network: nn.Module, shape: tuple[int, ...], length: int) -> dict[str, Any]:
    """Megabytes that the compiled gradient takes."""
    x = jax.ShapeDtypeStruct((*shape, length), jnp.float32)
    key = jax.random.key(0)
    rest = jax.eval_shape(network.init, {"params": key, "dropout": key}, x)
    params = rest.pop("params")
    total = lambda y, target: jnp.sum(y * target)
    found = jax.jit(steps.traced(network, total)).lower(params, rest, key, x, 1.0).compile()
    sizes = found.memory_analysis()
    return {
        "T": length,
        "input, MiB": x.size * 4 / MIB,
        "temporary, MiB": sizes.temp_size_in_bytes / MIB,
        "arguments, MiB": sizes.argument_size_in_bytes / MIB,
        "outputs, MiB": sizes.output_size_in_bytes / MIB,
    }


def policy_row(shape: tuple[int, ...], length: int) -> dict[str, Any]:
    """Megabytes that the gradient of CUBA neurons takes with every policy of `jslayer.ops.run`."""
    record = ops.Cuba(surrogate=Exponential(tau=125.0, scale=0.1))
    params = neurons.PARAMS["cuba"]
    x = jax.ShapeDtypeStruct((length, *shape), jnp.float32)
    found = {"T": length, "input, MiB": x.size * 4 / MIB}
    for policy in get_args(engine.Policy):

        def loss(x, y_bar, policy=policy):
            return jnp.vdot(ops.run(record, params, None, x, policy=policy)[0]["spike"], y_bar)

        compiled = jax.jit(jax.grad(loss)).lower(x, x).compile()
        size = compiled.memory_analysis().temp_size_in_bytes
        found[f'temporary with "{policy}", MiB'] = size / MIB
    return found


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    lengths = (2, 4) if chosen.tiny else (50, 100, 200, 400)
    report = timing.Report("Memory of forward + backward against T, float32")
    slopes = []
    for name, (network, shape, count) in networks(chosen.tiny).items():
        rows = [row(network, shape, length) for length in lengths]
        report.add_rows(name, rows)
        more = (rows[-1]["temporary, MiB"] - rows[0]["temporary, MiB"]) * MIB
        slopes.append(
            {
                "network": name,
                "neurons in the batch": count * shape[0],
                "bytes per neuron and step": more / (lengths[-1] - lengths[0]) / count / shape[0],
            }
        )
    report.add_rows("temporary memory that one more step takes, inputs of layers included", slopes)
    shape = (2, 3) if chosen.tiny else (32, 512)
    report.add_rows(
        f"CUBA neurons {list(shape)} by policy of what is kept",
        [policy_row(shape, length) for length in lengths],
    )
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
