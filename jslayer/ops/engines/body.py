"""The text of the GPU kernel, for every dynamics and backend.

A program owns a tile of neurons. It keeps their carry (states, or adjoints and parameter sums) in
registers for all of time; inputs are read from and outputs written to global memory, each
once. Nothing here knows a backend: it gives ``load`` and ``store``.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops.dynamics import Tree
from jslayer.ops.engines.passes import Pass
from jslayer.ops.engines.rewrite import rewritten


def loop(
    steps: int,
    chunk: int,
    reverse: bool,
    load: Callable[[jax.Array], Tree],
    step: Callable[[jax.Array, Tree, Tree], Tree],
    carry: Tree,
) -> Tree:
    """Applies ``carry = step(t, carry, load(t))`` for every t.

    While one chunk of steps is computed, the loads of the next are in flight.

    Args:
      steps: Number of time steps.
      chunk: Steps per chunk; what is left over runs step by step.
      reverse: From the last step to the first.
      load: Reads the inputs of a step.
      step: Computes a step and stores what comes out.
      carry: Value before the first step.

    Returns:
      The carry after the last step.
    """
    chunks, rest = divmod(steps, chunk)
    time = lambda i: steps - 1 - i if reverse else i
    # behind the last chunk some step is read again and dropped
    fetch = lambda c: tuple(load(jnp.clip(time(c * chunk + k), 0, steps - 1)) for k in range(chunk))

    def one_chunk(c, state):
        carry, now = state
        ahead = fetch(c + 1)
        for k in range(chunk):
            carry = step(time(c * chunk + k), carry, now[k])
        return carry, ahead

    def one_step(i, carry):
        return step(time(i), carry, load(time(i)))

    if chunks:
        first = fetch(jnp.int32(0))
        carry, _ = lax.fori_loop(jnp.int32(0), jnp.int32(chunks), one_chunk, (carry, first))
    if rest:  # rolled: an unrolled tail doubles the time to compile
        carry = lax.fori_loop(jnp.int32(chunks * chunk), jnp.int32(steps), one_step, carry)
    return carry


def run(
    of: Pass,
    steps: int,
    chunk: int,
    load: Callable[..., jax.Array],
    store: Callable[..., None],
    arguments: tuple[Tree, Tree, Tree],
    outputs: tuple[Tree, Tree],
    *,
    beside: Callable[[jax.Array, Tree, Tree], Tree] | None = None,
) -> None:
    """Runs a pass for the neurons of one tile.

    Args:
      of: The pass.
      steps: Number of time steps.
      chunk: Steps whose inputs are loaded together.
      load: ``load(ref)`` reads the tile of a ``[N]`` array, ``load(ref, t)`` of a ``[T, N]`` one.
      store: ``store(ref, value)`` and ``store(ref, value, t)``, likewise.
      arguments: References to ``fixed``, ``carry`` and ``inputs``.
      outputs: References to the last carry and the outputs.
      beside: ``(t, fixed, carry)`` to what a step gets beside its inputs, as a pair.
    """
    fixed, carry, inputs = arguments
    last_carry, written = outputs
    constants = jax.tree.map(load, fixed)
    one_step = rewritten(of.step)

    def step(t, carry, now):
        if beside is not None:
            now = (now, beside(t, constants, carry))
        carry, out = one_step(constants, carry, now)
        jax.tree.map(lambda ref, value: store(ref, value, t), written, out)
        return carry

    read = lambda t: jax.tree.map(lambda ref: load(ref, t), inputs)
    last = loop(steps, chunk, of.reverse, read, step, jax.tree.map(load, carry))
    jax.tree.map(store, last_carry, last)
