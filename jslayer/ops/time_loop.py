"""A `jax.lax.scan` whose outputs take memory no earlier than they are written."""

import operator
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import layout
from jslayer.ops.dynamics import Tree

CHUNK = 8
"""Steps that a GPU runs as one of a loop."""


def time_loop(
    step: Callable[[Tree, Tree], tuple[Tree, Tree]],
    carry: Tree,
    inputs: Tree,
    *,
    reverse: bool = False,
) -> tuple[Tree, Tree]:
    """As ``lax.scan(step, carry, inputs, reverse=reverse)``, where the adjoint is given too.

    A scan begins with cleared arrays for its outputs. They depend on nothing, so that a CPU's XLA
    makes those of all layers first of all: a third more memory in training and four times as much
    in inference, and the time to touch it. Here they begin as copies of a number of the input,
    which is there when the layer's turn comes, and every step is written over.

    Args:
      step: ``(carry, inputs of one step) -> (carry, outputs)``.
      carry: Value before the first step.
      inputs: ``[T, ...]`` arrays, at least one.
      reverse: From the last step to the first.

    Returns:
      The last carry and the outputs ``[T, ...]``.
    """
    given = jax.tree.leaves(inputs)
    steps = given[0].shape[0]
    like = jax.eval_shape(step, carry, jax.tree.map(lambda leaf: leaf[0], inputs))[1]
    # the last input: behind it, XLA can still drop a residual that no output needs
    unwritten = jax.tree.map(lambda out: _filled(given[-1], steps, out), like)

    def write(state, now):
        carry, written = state
        t, given_now = now
        carry, out = step(carry, given_now)
        set_step = lambda array, new: lax.dynamic_update_index_in_dim(array, new, t, 0)
        return (carry, jax.tree.map(set_step, written, out)), None

    numbered = (jnp.arange(steps, dtype=jnp.int32), inputs)
    return lax.scan(write, (carry, unwritten), numbered, reverse=reverse)[0]


def chunked_loop(
    step: Callable[[Tree, Tree], tuple[Tree, Tree]],
    carry: Tree,
    inputs: Tree,
    *,
    reverse: bool = False,
) -> tuple[Tree, Tree]:
    """As `time_loop`, in few kernels of a GPU: one writing of each output for `CHUNK` steps.

    A step of a loop on a GPU is at least a kernel for each of its outputs, one for the counter and
    one that asks whether to go on, each of some microseconds. Not for a CPU, whose XLA computes
    all earlier steps of a chunk anew for each of its outputs.
    """
    steps = jax.tree.leaves(inputs)[0].shape[0]
    chunks, rest = divmod(steps, CHUNK)
    once = jax.jit(step)  # traced once for all steps of a chunk

    def some(carry, now):
        count = jax.tree.leaves(now)[0].shape[0]
        outputs = [None] * count
        for t in reversed(range(count)) if reverse else range(count):
            carry, outputs[t] = once(carry, jax.tree.map(operator.itemgetter(t), now))
        return carry, jax.tree.map(lambda *rows: jnp.stack(rows), *outputs)

    part = lambda cut, at: jax.tree.map(lambda leaf: leaf[at].reshape(cut + leaf.shape[1:]), inputs)
    whole = part((chunks, CHUNK), slice(None, chunks * CHUNK))
    left = part((rest,), slice(chunks * CHUNK, None)) if rest else None
    after = None
    if rest and reverse:
        carry, after = some(carry, left)
    outputs = None
    if chunks:
        carry, outputs = lax.scan(some, carry, whole, reverse=reverse)
        outputs = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), outputs)
    if rest and not reverse:
        carry, after = some(carry, left)
    found = [nest for nest in (outputs, after) if nest is not None]
    if len(found) == 2:
        return carry, jax.tree.map(lambda *parts: jnp.concatenate(parts), *found)
    return carry, found[0]


def _filled(given, steps, out):
    """``[T, ...]`` of anything, known only when ``given`` is."""
    if given.size == 0:
        return jnp.zeros((steps, *out.shape), out.dtype)
    leading = given.ndim - len(out.shape)
    if layout.one_device() or given.shape[leading:] != out.shape:
        first = lax.slice(given, (0,) * given.ndim, (1,) * given.ndim).reshape(())
    else:  # over several devices a step is split like the output, and no device asks another
        first = given[(0,) * leading]
    return jnp.broadcast_to(first.astype(out.dtype), (steps, *out.shape))
