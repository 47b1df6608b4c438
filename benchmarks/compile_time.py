"""Time to trace and to compile against the number of time steps: it must not grow with them.

Nothing runs. Run ``python -m benchmarks.compile_time`` or ``python benchmarks/compile_time.py``.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import nmnist_step, steps, timing
from jslayer.block import cuba

SIZES, BATCH = (2312, 512, 512, 10), 32
LENGTHS, TINY_LENGTHS = (10, 100, 300, 1000, 3000), (3, 6)


def compiled(network: nn.Module, inputs: int, outputs: int, length: int) -> dict[str, Any]:
    """Seconds for the gradient of ``network`` over ``length`` steps."""
    x = jax.ShapeDtypeStruct((BATCH, inputs, length), jnp.float32)
    target = jax.ShapeDtypeStruct((BATCH, outputs), jnp.float32)
    key = jax.random.key(0)
    rest = jax.eval_shape(network.init, {"params": key, "dropout": key}, x)
    params = rest.pop("params")
    jax.clear_caches()  # a layer traced before would come for free
    start = time.perf_counter()
    lowered = jax.jit(steps.traced(network, steps.to_rates)).lower(params, rest, key, x, target)
    traced = time.perf_counter()
    done = lowered.compile()
    end = time.perf_counter()
    return {
        "T": length,
        "trace, s": traced - start,
        "compile, s": end - traced,
        "both, s": end - start,
        "instructions": done.as_text().count(" = "),
    }


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    sizes = (7, 3) if chosen.tiny else SIZES
    report = timing.Report(f"Compile time against T: forward + backward, batch {BATCH}, float32")
    networks = {
        f"N-MNIST network, {'-'.join(map(str, sizes))}": nmnist_step.network(sizes),
        f"Recurrent, {sizes[0]}-{sizes[-1]}": cuba.Recurrent(
            nmnist_step.NEURON, sizes[0], sizes[-1]
        ),
    }
    for name, network in networks.items():
        lengths = TINY_LENGTHS if chosen.tiny else LENGTHS
        if not chosen.tiny:
            compiled(network, sizes[0], sizes[-1], 7)  # what a process does only once
        rows = [compiled(network, sizes[0], sizes[-1], length) for length in lengths]
        report.add_rows(name, rows)
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
