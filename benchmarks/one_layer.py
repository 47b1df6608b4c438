"""The field's one-layer test: dense 512 to 512 and a layer of LIF neurons, T = 500, batch 16.

Time and memory, forward and backward. `benchmarks.compare` runs the same in other libraries. Run
``python -m benchmarks.one_layer`` or ``python benchmarks/one_layer.py``; ``--help`` lists options.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import floors, timing
from jslayer.block import cuba

MIB = 1 << 20
SIZES = {"samples": 16, "inputs": 512, "outputs": 512, "length": 500}
TINY_SIZES = {"samples": 2, "inputs": 3, "outputs": 4, "length": 5}
LIF = {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": 0.1, "shared_param": True}


def functions(
    samples: int, inputs: int, outputs: int, length: int
) -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Jitted function and arguments, by name, on spikes ``[N, C, T]`` as every network sees them.

    Weights are as they are in training: not quantised, which other libraries do not do either.
    """
    layer = cuba.Dense(LIF, inputs, outputs, pre_hook_fx=None, delay_shift=False)
    spikes = np.random.default_rng(0).random((samples, inputs, length), np.float32) < 0.1
    x = jnp.asarray(spikes, jnp.float32)
    variables = jax.jit(layer.init)(jax.random.key(0), x)
    rest = {name: tree for name, tree in variables.items() if name != "params"}
    cotangent = 1.0 + 0.1 * floors.random(2, samples, outputs, length)

    def loss(params, x, cotangent):
        return jnp.vdot(layer.apply({**rest, "params": params}, x), cotangent)

    return {
        "forward": (jax.jit(layer.apply), (variables, x)),
        "forward + backward to weights": (
            jax.jit(jax.grad(loss)),
            (variables["params"], x, cotangent),
        ),
        "forward + backward to weights and input": (
            jax.jit(jax.grad(loss, (0, 1))),
            (variables["params"], x, cotangent),
        ),
    }


def memory(function: Any, arguments: tuple[Any, ...]) -> dict[str, float]:
    """What the compiler says that a call takes, in MiB."""
    found = function.lower(*arguments).compile().memory_analysis()
    parts = {
        "arguments, MiB": found.argument_size_in_bytes,
        "outputs, MiB": found.output_size_in_bytes,
        "temporary, MiB": found.temp_size_in_bytes,
    }
    return {name: size / MIB for name, size in {**parts, "all, MiB": sum(parts.values())}.items()}


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    sizes = TINY_SIZES if chosen.tiny else SIZES
    layer = (sizes["inputs"], sizes["outputs"])
    report = timing.Report(
        f"One layer: dense {layer[0]} to {layer[1]} and LIF, T = {sizes['length']}, "
        f"batch {sizes['samples']}, float32"
    )
    found = functions(**sizes)
    amount = (layer, sizes["samples"], sizes["length"])
    floor_of = dict(zip(found, ("matmul", "two matmuls", "three matmuls"), strict=True))
    report.add(
        "time",
        [
            timing.Case("matmul", floors.matmuls(*amount, backward=False)),
            timing.Case("two matmuls", floors.matmuls(*amount)),
            timing.Case("three matmuls", floors.matmuls(*amount, data=False)),
            *(
                timing.Case(name, functools.partial(function, *arguments), floor_of[name])
                for name, (function, arguments) in found.items()
            ),
        ],
        rounds=chosen.rounds,
    )
    report.add_rows(
        "memory of a call, as compiled",
        [{"case": name, **memory(*given)} for name, given in found.items()],
    )
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
