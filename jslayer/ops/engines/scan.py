"""The engine for CPU, TPU and older GPUs: a `jax.lax.scan` over arrays with time first.

``unroll`` stays 1: on a CPU, XLA fuses unrolled steps with the stacking of their outputs and
recomputes the chain for each of them, which is up to 18 times slower.
"""

import functools

import jax

from jslayer.ops.dynamics import Tree
from jslayer.ops.engines.passes import Pass
from jslayer.ops.time_loop import time_loop


@functools.partial(jax.jit, static_argnums=0)  # else a call outside of `jit` compiles each time
def run(of: Pass, fixed: Tree, carry: Tree, inputs: Tree) -> tuple[Tree, Tree]:
    """Runs a pass over all steps; see `passes.Engine`."""
    step = lambda carry, now: of.step(fixed, carry, now)
    return time_loop(step, carry, inputs, reverse=of.reverse)
