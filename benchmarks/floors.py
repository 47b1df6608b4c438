"""Work that cannot be left out: copies, matrix products, convolutions, and how fast they are here.

The other benchmarks put these beside their rows. By itself this one prints bandwidth and
arithmetic rate: ``python -m benchmarks.floors`` or ``python benchmarks/floors.py``.
"""

import functools
import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import timing

product = functools.partial(
    lax.dot_general, precision=lax.Precision.HIGHEST, preferred_element_type=jnp.float32
)


def forward(x: jax.Array, weight: jax.Array) -> jax.Array:
    """``[T, N, in], [out, in] -> [T, N, out]``."""
    return product(x, weight, (((2,), (1,)), ((), ())))


def to_weight(z_bar: jax.Array, x: jax.Array) -> jax.Array:
    """``[T, N, out], [T, N, in] -> [out, in]``."""
    return product(z_bar, x, (((0, 1), (0, 1)), ((), ())))


def to_input(z_bar: jax.Array, weight: jax.Array) -> jax.Array:
    """``[T, N, out], [out, in] -> [T, N, in]``."""
    return product(z_bar, weight, (((2,), (0,)), ((), ())))


def convolve(x: jax.Array, weight: jax.Array, stride: Any, padding: Any) -> jax.Array:
    """``[B, H, W, in], [out, in, kh, kw] -> [B, H', W', out]``."""
    return lax.conv_general_dilated(
        x,
        weight,
        stride,
        [(p, p) for p in padding],
        dimension_numbers=("NHWC", "OIHW", "NHWC"),
        precision=lax.Precision.HIGHEST,
        preferred_element_type=jnp.float32,
    )


def random(seed: int, *shape: int) -> jax.Array:
    """Normal numbers, the same in every run."""
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape, np.float32))


def matmuls(
    sizes: Sequence[int], samples: int, steps: int, *, backward: bool = True, data: bool = True
) -> Callable[[], Any]:
    """A call that does the matrix products of a row of dense layers and nothing else.

    Forward, to the weight, and to the input of every layer, on time-first arrays.

    Args:
      sizes: Neurons of every layer, inputs first.
      samples: Size of the batch.
      steps: Time steps.
      backward: Products for the gradients too.
      data: The first layer's input is data: no gradient to it.
    """
    x = [random(k, steps, samples, size) for k, size in enumerate(sizes)]
    weights = [random(0, after, before) for before, after in itertools.pairwise(sizes)]

    @jax.jit
    def products(x, weights):
        found = [forward(before, weight) for before, weight in zip(x[:-1], weights, strict=True)]
        if backward:
            found += [to_weight(bar, before) for before, bar in itertools.pairwise(x)]
            pairs = list(zip(x[1:], weights, strict=True))
            found += [to_input(bar, weight) for bar, weight in pairs[data:]]
        return found

    return functools.partial(products, x, weights)


def moved(array: jax.Array, count: int) -> Callable[[], Any]:
    """A call that reads and writes ``count`` arrays like this one, each into a fresh one."""
    arrays = tuple(array + np.float32(k) for k in range(count))
    return functools.partial(jax.jit(lambda arrays: [x + 1.0 for x in arrays]), arrays)


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    report = timing.Report("Floors: bandwidth and arithmetic, float32")
    megabytes, edge, batch = ((1, 16, 128), 2048, 128) if not chosen.tiny else ((1,), 16, 2)
    cases, work = [], {}

    def add(name, unit, amount, call):
        cases.append(timing.Case(name, call))
        work[name] = (amount, unit)

    for size in megabytes:
        x = jnp.ones((size, 1 << 18), jnp.float32)
        fresh = functools.partial(jax.jit(lambda x: x + 1.0), x)
        add(f"copy of {size} MiB into a fresh array", "GB/s", 2e-9 * x.nbytes, fresh)
        add(f"copy of {size} MiB in place", "GB/s", 2e-9 * x.nbytes, in_place(x))
    a, b = random(0, edge, edge), random(1, edge, edge)
    multiply = jax.jit(lambda a, b: product(a, b, (((1,), (0,)), ((), ()))))
    name = f"matrix product, {edge} x {edge} x {edge}"
    add(name, "GFLOP/s", 2e-9 * edge**3, functools.partial(multiply, a, b))
    x, weight = random(0, batch, 16, 49, 24), random(1, 36, 24, 3, 3)
    run = jax.jit(lambda x, weight: convolve(x, weight, (2, 2), (0, 0)))
    macs = run(x, weight).size * weight[0].size
    name = f"convolution 24 to 36, k3 s2, of {batch} images 16 x 49"
    add(name, "GFLOP/s", 2e-9 * macs, functools.partial(run, x, weight))

    rows = report.add("time", cases, rounds=chosen.rounds)
    report.add_rows(
        "rate: read and written bytes, or multiplications and additions, per second",
        [
            {
                "case": name,
                "unit": unit,
                "median": amount / (1e-3 * rows[name].median_ms),
                "best": amount / (1e-3 * rows[name].min_ms),
            }
            for name, (amount, unit) in work.items()
        ],
    )
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


def in_place(x: jax.Array) -> Callable[[], jax.Array]:
    """A call that adds one to an array of its own, whose buffer is donated."""
    held = x + 0.0
    add_one = jax.jit(lambda x: x + 1.0, donate_argnums=0)

    def call():
        nonlocal held
        held = add_one(held)
        return held

    return call


if __name__ == "__main__":
    main()
