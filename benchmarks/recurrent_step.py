"""Blocks with feedback, forward and backward, beside a dense block and the same matrix products.

Run ``python -m benchmarks.recurrent_step`` or ``python benchmarks/recurrent_step.py``.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
from jax import lax

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import floors, steps, timing
from benchmarks.nmnist_step import NEURON, batch
from jslayer.block import cuba
from jslayer.block.base import Block


def sequential(size: int, samples: int, length: int, *, backward: bool = True) -> Callable[[], Any]:
    """A call that does the products of the feedback, which wait for each other.

    One of a step's size after the other forward; with ``backward`` one after the other backward,
    and one over all steps to the weight.
    """
    weight = floors.random(0, size, size) / size**0.5
    x = floors.random(1, length, samples, size)

    @jax.jit
    def products(weight, x):
        step = lambda w: lambda s, x_t: (x_t + floors.forward(s[None], w)[0],) * 2
        _, s = lax.scan(step(weight), x[0], x)
        if not backward:
            return s
        _, bar = lax.scan(step(weight.T), x[0], x, reverse=True)
        return s, bar, floors.to_weight(bar, s)

    return functools.partial(products, weight, x)


def blocks(inputs: int, size: int) -> dict[str, Block]:
    """A dense block, and those with feedback."""
    return {
        "Dense": cuba.Dense(NEURON, inputs, size),
        "Recurrent": cuba.Recurrent(NEURON, inputs, size),
        "KWTA": cuba.KWTA(NEURON, inputs, size, num_winners=max(1, size // 20)),
    }


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    inputs, size, samples, length = (5, 4, 2, 6) if chosen.tiny else (512, 256, 32, 200)
    report = timing.Report(
        f"Blocks with feedback, {inputs} to {size}, batch {samples}, T = {length}, float32"
    )
    x, target = batch(samples, inputs, size, length)
    made = blocks(inputs, size)
    dense = floors.matmuls((inputs, size), samples, length)
    feedback = sequential(size, samples, length)
    plain, looped = "matmuls of Dense", "matmuls of Dense and of the feedback"
    floor_of = {name: plain if name == "Dense" else looped for name in made}
    report.add(
        "forward + backward to all parameters",
        [
            timing.Case(plain, dense),
            timing.Case(looped, lambda: (dense(), feedback())),
            *(
                timing.Case(name, steps.gradients(block, x, target), floor_of[name])
                for name, block in made.items()
            ),
        ],
        rounds=chosen.rounds,
    )
    dense_forward = floors.matmuls((inputs, size), samples, length, backward=False)
    feedback_forward = sequential(size, samples, length, backward=False)
    report.add(
        "forward",
        [
            timing.Case(plain, dense_forward),
            timing.Case(looped, lambda: (dense_forward(), feedback_forward())),
            *(
                timing.Case(name, inference(block, x), floor_of[name])
                for name, block in made.items()
            ),
        ],
        rounds=chosen.rounds,
    )
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


def inference(block: Any, x: jax.Array) -> Callable[[], Any]:
    """A call that runs forward only."""
    return functools.partial(jax.jit(block.apply), steps.new_variables(block, x), x)


if __name__ == "__main__":
    main()
