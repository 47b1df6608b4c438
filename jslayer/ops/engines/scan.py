"""The engine for CPU, TPU and older GPUs: a `jax.lax.scan` over time-first rows.

``unroll`` stays 1: on a CPU, XLA fuses unrolled steps with the stacking of their outputs and
recomputes the chain for each of them, which is up to 18 times slower.
"""

import functools

import jax

from jslayer.ops.dynamics import Tree
from jslayer.ops.engines.passes import Pass
from jslayer.ops.row_scan import row_scan


@functools.partial(jax.jit, static_argnums=0)  # else a call outside of `jit` compiles each time
def run(walk: Pass, fixed: Tree, carry: Tree, rows: Tree) -> tuple[Tree, Tree]:
    """Runs a pass over all rows; see `passes.Engine`."""
    step = lambda carry, row: walk.step(fixed, carry, row)
    return row_scan(step, carry, rows, reverse=walk.reverse)
