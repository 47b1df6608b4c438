"""Runs a `Dynamics` through time: the one entry to all engines."""

import functools
import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp

from jslayer.ops import check, layout, tangent
from jslayer.ops.boundary import adjoint_behind, checked, state_cotangent
from jslayer.ops.dynamics import Dynamics, Tree
from jslayer.ops.engines import passes, select
from jslayer.ops.forward_mode import reverse_only
from jslayer.ops.visible_nan import visible

Policy = Literal["save", "recompute"]
"""What training keeps for the gradient, see `run`."""


def run(
    dynamics: Dynamics,
    params: Mapping[str, Any],
    state: Tree | None,
    x: Tree,
    *,
    implementation: str | None = None,
    policy: Policy = "save",
) -> tuple[dict[str, jax.Array], Tree]:
    """Runs ``dynamics`` over the leading axis of ``x``.

    ``state[t], outputs[t] = step(params, state[t-1], x[t])``. Spikes and integer states are the
    same bit for bit on every engine, and one call over ``T`` steps equals two calls over its parts
    with the state handed on. Gradients are those of `Dynamics.adjoint`, in reverse mode only (see
    `jslayer.ops.jvp`), and have derivatives themselves, in either mode: the stated model's.

    Over several devices each runs its own neurons, whatever axis of them is split, under `jit`, in
    meshes of explicit axes, under `vmap` and inside of `jax.shard_map`; only gradients of what they
    share are summed. Time is not split. A function that is exported for several platforms at once
    needs ``implementation="scan"``.

    Args:
      dynamics: The record of the neuron. A number of it may be an array that broadcasts to
        ``*neurons``, e.g. one that `jax.vmap` maps over; it gets a gradient from the automatic
        adjoint only.
      params: Parameters by name, each broadcastable to ``*neurons``, in natural units.
      state: State before the first step, a nest of ``[*neurons]`` arrays; ``None`` is rest.
      x: ``[T, *neurons]`` float32 input, or a nest of such arrays (a complex input is a pair).
      implementation: ``None`` takes the fastest engine that works here; a name runs that engine
        or raises; see `jslayer.ops.engines.select.engine`.
      policy: What is kept for the gradient. ``"save"`` keeps the residuals of every step.
        ``"recompute"`` keeps the input and about ``sqrt(T)`` states, and computes the residuals of
        ``sqrt(T)`` steps at a time again; the gradient is the same (XLA may contract float
        arithmetic differently).

    Returns:
      Outputs by name, each ``[T, *neurons]``, and the state after the last step.

    Raises:
      TypeError: ``x`` is not floating-point, or the state has another type than at rest.
      ValueError: ``x`` has no time step or (outside of `jit`) NaN or infinity, a parameter or the
        state does not fit, the policy is unknown, or the implementation is, or cannot run here.
    """
    check.choice("policy", policy, get_args(Policy))
    dynamics, params, state = checked(dynamics, params, state, x, layout="T, *neurons")
    steps, *neurons = jax.tree.leaves(x)[0].shape

    # one flat axis of neurons, unless a device may hold a part along any of them
    row = neurons if len(neurons) > 1 and not layout.one_device() else [math.prod(neurons)]
    spec = jax.typeof(jax.tree.leaves(x)[0]).sharding.spec[1:]
    like_x = jax.P(*spec) if any(spec) else None  # of explicit mesh axes
    # JAX sums the cotangents of what is broadcast here
    flat = lambda leaf: jnp.broadcast_to(leaf, neurons, out_sharding=like_x).reshape(row)
    # half precision cannot hold 4096 times a drive; the cast is outside of the custom_vjp
    flat_steps = lambda leaf: leaf.astype(jnp.float32).reshape(steps, *row)
    outputs, last = reverse_only(_run)(
        dynamics,
        select.engine(implementation),
        policy,
        *layout.vary_alike(
            {name: flat(jnp.asarray(value, jnp.float32)) for name, value in params.items()},
            jax.tree.map(flat, state),
            jax.tree.map(flat_steps, x),
        ),
    )
    outputs = jax.tree.map(lambda leaf: leaf.reshape(steps, *neurons), outputs)
    outputs = visible(outputs, x, params)
    return outputs, jax.tree.map(lambda leaf: leaf.reshape(neurons), last)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _run(dynamics, engine, policy, params, state, x):
    del policy
    last, outputs = engine(passes.forward(dynamics), dynamics.prepare(params), state, x)
    return outputs, last


def _run_fwd(dynamics, engine, policy, params, state, x):
    if policy == "recompute":
        outputs, last, starts = tangent.train_again(dynamics, engine, params, state, x)
        return (outputs, last), (params, (starts, x))
    outputs, last, residuals = tangent.train(dynamics, engine, params, state, x)
    return (outputs, last), (params, residuals)


def _run_bwd(dynamics, engine, policy, saved, cotangents):
    params, kept = saved
    outputs_bar, last_bar = cotangents
    like = jax.tree.leaves(outputs_bar)[0][0]
    bar = adjoint_behind(dynamics, like, last_bar)
    carry = (bar, {name: jnp.zeros_like(like) for name in params})
    if policy == "recompute":
        run = functools.partial(tangent.backward_again, dynamics, engine)
        (bar, params_bar), x_bar = run(params, carry, *kept, outputs_bar)
    else:
        run = functools.partial(tangent.backward, dynamics, engine)
        (bar, params_bar), x_bar = run(params, carry, (kept, outputs_bar))
    return params_bar, state_cotangent(bar, last_bar), x_bar


_run.defvjp(_run_fwd, _run_bwd)
