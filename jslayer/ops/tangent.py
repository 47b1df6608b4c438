"""Tangents of a run and of its adjoint, for derivatives of the gradient.

The states are integers, through which no derivative passes. Their tangent is that of the stated
model, whose adjoint is `Dynamics.adjoint`: it is linear, and its transpose carries tangents
forward in time. So nobody writes a recurrence a second time, and what is computed for a first
derivative stays as it is.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jslayer.ops.boundary import adjoint_behind
from jslayer.ops.dynamics import Dynamics, Params, Tree
from jslayer.ops.engines import passes, recompute, scan
from jslayer.ops.engines.passes import Engine

Run = tuple[dict[str, jax.Array], Tree, Tree]
"""Outputs, last state, and what is kept for the adjoint."""


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def train(dynamics: Dynamics, engine: Engine, params: Params, state: Tree, x: Tree) -> Run:
    """Runs all steps and keeps the residuals of each."""
    constants = dynamics.prepare(params)
    last, (outputs, residuals) = engine(passes.training(dynamics), constants, state, x)
    return outputs, last, residuals


@train.defjvp
def _train_jvp(dynamics, engine, primals, tangents):
    found = train(dynamics, engine, *primals)
    params_dot, state_dot, x_dot = tangents
    outputs, last, residuals = found

    def step(carry, now):
        kept, x_dot = now
        after, outputs_dot, kept_dot = tangent_step(
            dynamics, primals[0], params_dot, outputs, kept, carry, x_dot
        )
        return after, (outputs_dot, kept_dot)

    like = jax.tree.leaves(outputs)[0][0]
    start = adjoint_behind(dynamics, like, state_dot)
    end, (outputs_dot, kept_dot) = lax.scan(step, start, (residuals, x_dot))
    return found, (outputs_dot, last_tangent(end, last, state_dot), kept_dot)


def last_tangent(end: Tree, last: Tree, state_dot: Tree) -> Tree:
    """Tangent of the last state: none where the state is of integers."""
    if jax.tree.structure(end) != jax.tree.structure(state_dot):
        return jax.tree.map(_no_tangent, last)
    return jax.tree.map(lambda dot, z: z if z.dtype == jax.dtypes.float0 else dot, end, state_dot)


def tangent_step(
    dynamics: Dynamics,
    params: Params,
    params_dot: Params,
    outputs: Mapping[str, Any],
    residuals: Tree,
    before: Tree,
    x_dot: Tree,
) -> tuple[Tree, dict[str, jax.Array], Tree]:
    """One step of the tangents, forward in time: the transpose of one step of the adjoint.

    Args:
      dynamics: The record of the neuron.
      params: Parameters, float32 rows.
      params_dot: Their tangents.
      outputs: Of the step or of all steps; only the names count.
      residuals: Of the step.
      before: Tangent that comes from the step before, in the shape of the adjoint state.
      x_dot: Tangent of the input.

    Returns:
      What goes to the step after, and the tangents of outputs and residuals.

    Raises:
      NotImplementedError: The residuals are integers, or chosen in a way of their own.
    """
    if any(not jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(residuals)):
        raise NotImplementedError(
            f"Second derivatives of {type(dynamics).__name__} are not known: its residuals are "
            "integers, expected floats; convert them in `step_with_residuals`."
        )
    like = jax.tree.leaves(x_dot)[0]
    row = jax.ShapeDtypeStruct(like.shape, like.dtype)
    names = (*outputs, *(name for name in dynamics.traces if name not in outputs))
    adjoint = lambda bar, bars: dynamics.adjoint(params, bar, residuals, bars)
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), before)
    transposed = jax.linear_transpose(adjoint, shapes, dict.fromkeys(names, row))
    after, values_dot = transposed((before, x_dot, dict(params_dot)))
    kept_dot = dynamics.residual_tangents(params_dot, before, x_dot, values_dot, after)
    return after, {name: values_dot[name] for name in outputs}, kept_dot


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def backward(dynamics: Dynamics, engine: Engine, params: Params, carry: Tree, saved: Tree) -> Tree:
    """Runs the adjoint over all steps; see `passes.backward`."""
    return engine(passes.backward(dynamics), params, carry, saved)


@backward.defjvp
def _backward_jvp(dynamics, engine, primals, tangents):
    del engine  # a kernel has no derivative; a scan does
    return jax.jvp(_scanned(dynamics), primals, tangents)


def _scanned(dynamics: Dynamics) -> Callable[..., Any]:
    """As `scan.run`, without the outputs in its carry, whose derivative would be carried too."""
    step = passes.backward(dynamics).step

    def run(params, carry, saved):
        return lax.scan(lambda carry, now: step(params, carry, now), carry, saved, reverse=True)

    return run


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def train_again(dynamics: Dynamics, engine: Engine, params: Params, state: Tree, x: Tree) -> Run:
    """As `train`, but keeps some states only; see `recompute.forward`."""
    outputs, last, starts = recompute.forward(engine, dynamics, dynamics.prepare(params), state, x)
    return outputs, last, starts


@train_again.defjvp
def _train_again_jvp(dynamics, engine, primals, tangents):
    found = train_again(dynamics, engine, *primals)
    whole = functools.partial(train, dynamics, scan.run)
    _, (outputs_dot, last_dot, _) = jax.jvp(whole, primals, tangents)
    starts, behind = jax.tree.map(_no_tangent, found[2])
    first = lambda dot, own: dot if own.dtype == jax.dtypes.float0 else dot.at[0].set(own)
    return found, (outputs_dot, last_dot, (jax.tree.map(first, starts, tangents[1]), behind))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def backward_again(
    dynamics: Dynamics,
    engine: Engine,
    params: Params,
    carry: Tree,
    kept: Tree,
    x: Tree,
    outputs_bar: Tree,
) -> Tree:
    """Runs the adjoint of `train_again`; see `recompute.backward`. A derivative keeps all steps."""
    return recompute.backward(engine, dynamics, params, carry, kept, x, outputs_bar)


@backward_again.defjvp
def _backward_again_jvp(dynamics, engine, primals, tangents):
    del engine

    def run(params, carry, kept, x, outputs_bar):
        state = jax.tree.map(lambda starts: starts[0], kept[0])
        _, _, residuals = train(dynamics, scan.run, params, state, x)
        return _scanned(dynamics)(params, carry, (residuals, outputs_bar))

    return jax.jvp(run, primals, tangents)


def _no_tangent(leaf):
    floating = jnp.issubdtype(leaf.dtype, jnp.floating)
    return jnp.zeros_like(leaf) if floating else np.zeros(leaf.shape, jax.dtypes.float0)
