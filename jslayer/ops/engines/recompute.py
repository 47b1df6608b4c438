"""Gradients with less memory: the states between chunks are kept, all else is computed again."""

import math

import jax
import jax.numpy as jnp

from jslayer.ops.dynamics import Dynamics, Params, Tree
from jslayer.ops.engines import passes
from jslayer.ops.engines.passes import Engine
from jslayer.ops.time_loop import time_loop


def chunk_length(steps: int) -> int:
    """Steps per chunk: about the square root, so that states kept and steps redone balance.

    A divisor of the time within a factor of two is taken where there is one: steps left over cost
    a copy of every array.
    """
    root = max(1, math.isqrt(steps - 1) + 1)
    fits = [size for size in range(max(2, root // 2), 2 * root + 1) if steps % size == 0]
    return min(fits, key=lambda size: max(size, steps // size), default=root)


def forward(
    engine: Engine, dynamics: Dynamics, constants: Tree, state: Tree, x: Tree
) -> tuple[Tree, Tree, Tree]:
    """Runs all steps, chunk by chunk.

    Args:
      engine: Runs a chunk.
      dynamics: The record of the neuron.
      constants: What `Dynamics.prepare` returned, ``[N]`` arrays.
      state: ``[N]`` arrays.
      x: ``[T, N]`` arrays.

    Returns:
      Outputs ``[T, N]``, the last state, and the states before each chunk: ``[chunks, N]``, and
      that of the steps left over.
    """
    steps = passes.forward(dynamics)
    head, tail = _split(x)

    def chunk(before, part):
        after, outputs = engine(steps, constants, before, part)
        return after, (outputs, before)

    last, (outputs, starts) = time_loop(chunk, state, head)
    outputs, before_tail = jax.tree.map(_joined, outputs), last
    if tail is not None:
        last, more = engine(steps, constants, last, tail)
        outputs = jax.tree.map(lambda *parts: jnp.concatenate(parts), outputs, more)
    return outputs, last, (starts, before_tail)


def backward(
    engine: Engine,
    dynamics: Dynamics,
    params: Params,
    carry: Tree,
    kept: tuple[Tree, Tree],
    x: Tree,
    outputs_bar: Tree,
) -> tuple[Tree, Tree]:
    """Runs the adjoint, and before each chunk of it that chunk's steps once more.

    Args:
      engine: Runs a chunk.
      dynamics: The record of the neuron.
      params: ``[N]`` arrays.
      carry: Adjoint state behind the last step, and sums of parameter cotangents.
      kept: The states that `forward` returned.
      x: ``[T, N]`` arrays.
      outputs_bar: Cotangents of the outputs, ``[T, N]``.

    Returns:
      The carry before the first step and the input's cotangent, ``[T, N]``.
    """
    again, adjoint = passes.training(dynamics), passes.backward(dynamics)
    constants = dynamics.prepare(params)
    starts, before_tail = kept
    head, tail = _split(x)
    head_bar, tail_bar = _split(outputs_bar)

    def chunk(carry, part):
        before, x, outputs_bar = part
        _, (_, residuals) = engine(again, constants, before, x)
        return engine(adjoint, params, carry, (residuals, outputs_bar))

    if tail is not None:
        carry, x_bar_tail = chunk(carry, (before_tail, tail, tail_bar))
    carry, x_bar = time_loop(chunk, carry, (starts, head, head_bar), reverse=True)
    x_bar = jax.tree.map(_joined, x_bar)
    if tail is not None:
        x_bar = jax.tree.map(lambda *parts: jnp.concatenate(parts), x_bar, x_bar_tail)
    return carry, x_bar


def _split(arrays):
    """Chunks of equal length ``[chunks, length, N]``, and what is left over or ``None``."""
    steps = jax.tree.leaves(arrays)[0].shape[0]
    length = chunk_length(steps)
    whole = steps - steps % length
    head = lambda leaf: leaf[:whole].reshape(-1, length, *leaf.shape[1:])
    tail = jax.tree.map(lambda leaf: leaf[whole:], arrays) if whole < steps else None
    return jax.tree.map(head, arrays), tail


def _joined(leaf):
    return leaf.reshape(-1, *leaf.shape[2:])
