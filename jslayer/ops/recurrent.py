"""Runs a `Dynamics` with feedback: each step's spikes drive the next step through a matrix."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import check, layout, tangent
from jslayer.ops.boundary import adjoint_behind, checked, state_cotangent
from jslayer.ops.dynamics import Dynamics, Tree
from jslayer.ops.engines import passes, select
from jslayer.ops.event_product import product
from jslayer.ops.forward_mode import reverse_only
from jslayer.ops.visible_nan import visible


def run_recurrent(
    dynamics: Dynamics,
    params: Mapping[str, Any],
    state: Tree | None,
    x: Tree,
    weight: Tree,
    fed_back: jax.Array | None = None,
    *,
    gain: jax.Array | None = None,
    output: str = "spike",
) -> tuple[dict[str, jax.Array], Tree]:
    """Runs ``dynamics`` over time with its own output fed back one step later.

    ``d[t] = x[t] + gain (R s[t-1])``, ``s[t] = step(d[t])``. One scan; the step is that of the
    dynamics, and so is the adjoint, so that gradients flow through the membrane as well as through
    the feedback. Backward, ``s_bar[t] = y_bar[t] + R^T d_bar[t+1]``; the memory is that of the
    dynamics' residuals and outputs, and ``R_bar`` is one product over all steps at the end.

    Args:
      dynamics: The record of the neuron, elementwise.
      params: Parameters by name, each broadcastable to ``[N, C]``, in natural units.
      state: State before the first step, ``[N, C]`` arrays; ``None`` is rest.
      x: ``[T, N, C]`` float32 drive, or a nest of ``real`` and ``imag``.
      weight: ``[C, C]`` float32, row = receiving neuron; a nest like ``x`` for a complex drive.
      fed_back: ``[N, C]`` output of the step before the first; ``None`` is zero.
      gain: ``[N, C]`` factor on what is fed back, or ``None`` for 1.
      output: Name of the output that is fed back.

    Returns:
      Outputs by name, each ``[T, N, C]``, and the state after the last step. What is fed back into
      the next call is the last step of ``outputs[output]``.

    Raises:
      TypeError: ``x`` is not floating-point.
      ValueError: a shape does not fit, or a parameter is out of range.

    Example:
      A memoryless neuron that keeps itself active:

      >>> from jslayer.ops import Cuba
      >>> params = {"threshold": 0.5, "current_decay": 1.0, "voltage_decay": 1.0}
      >>> x = jnp.zeros((4, 1, 1)).at[1].set(1.0)
      >>> run_recurrent(Cuba(), params, None, x, jnp.ones((1, 1)))[0]["spike"][:, 0, 0]
      Array([0., 1., 1., 1.], dtype=float32)
    """
    dynamics, params, state = checked(dynamics, params, state, x, layout="T, N, C", axes=3)
    first = jax.tree.leaves(x)[0]
    row = first.shape[1:]
    if jax.tree.structure(weight) != jax.tree.structure(x):
        raise ValueError(
            f"`weight` is {jax.tree.structure(weight)}, expected {jax.tree.structure(x)}, as `x`; "
            "give one matrix for each part of the drive."
        )
    for leaf in jax.tree.leaves(weight):
        if jnp.shape(leaf) != (row[1], row[1]):
            raise ValueError(
                f"`weight` has shape {jnp.shape(leaf)}, expected {(row[1], row[1])}, one row and "
                "one column per neuron; give a matrix of that size."
            )
    if fed_back is None:
        fed_back = jnp.zeros_like(first[0], jnp.float32)
    check.one_step("fed_back", fed_back, of="x", like=first)
    rows = {n: jnp.broadcast_to(jnp.asarray(v, jnp.float32), row) for n, v in params.items()}
    floats = lambda tree: jax.tree.map(lambda leaf: leaf.astype(jnp.float32), tree)
    given = layout.vary_alike(rows, state, floats(x), floats(weight), fed_back, gain)
    outputs, last = reverse_only(_run)(dynamics, output, *given)
    return visible(outputs, x, params, weight), last


def _gained(gain, value):
    return value if gain is None else gain * value


def _sum(nest):
    return functools.reduce(jnp.add, jax.tree.leaves(nest))


@functools.lru_cache
def forward_pass(
    dynamics: Dynamics, output: str, drive: Any, *, residuals: bool
) -> passes.FeedbackPass:
    """``fixed`` is constants and gain; the output is sent to every part of the drive."""
    alone = (passes.training if residuals else passes.forward)(dynamics)

    def message(fixed, carry):
        return drive.unflatten([carry[1]] * drive.num_leaves)

    def step(fixed, carry, given):
        constants, gain = fixed
        x, fed = given
        drive = jax.tree.map(lambda part, back: part + _gained(gain, back), x, fed)
        state, out = alone.step(constants, carry[0], drive)
        outputs = out[0] if residuals else out
        return (state, outputs[output]), out

    return passes.FeedbackPass(f"{alone.name}_feedback", message, step)


@functools.lru_cache
def backward_pass(dynamics: Dynamics, output: str) -> passes.FeedbackPass:
    """``fixed`` is parameters and gain; the cotangents of the drive are sent."""
    alone = passes.backward(dynamics)

    def message(fixed, carry):
        return jax.tree.map(functools.partial(_gained, fixed[1]), carry[1])

    def step(fixed, carry, given):
        params, _ = fixed
        adjoint, _ = carry
        (residuals, bars), back = given
        bars = {**bars, output: bars[output] + _sum(back)}
        adjoint, drive_bar = alone.step(params, adjoint, (residuals, bars))
        return (adjoint, drive_bar), drive_bar

    return passes.FeedbackPass(f"{alone.name}_feedback", message, step, reverse=True)


def _forward(dynamics, output, params, state, x, weight, fed_back, gain, *, residuals):
    of = forward_pass(dynamics, output, jax.tree.structure(x), residuals=residuals)
    fixed = weight, (dynamics.prepare(params), gain)
    (last, _), out = select.run_feedback(of, fixed, (state, fed_back), x)
    return last, out


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _looped(dynamics, output, *given):
    last, outputs = _forward(dynamics, output, *given, residuals=False)
    return outputs, last


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _train(dynamics, output, *given):
    """Runs all steps and keeps the residuals of each."""
    last, (outputs, residuals) = _forward(dynamics, output, *given, residuals=True)
    return outputs, last, residuals


@_train.defjvp
def _train_jvp(dynamics, output, primals, tangents):
    found = _train(dynamics, output, *primals)
    params, _, _, weight, fed_back, gain = primals
    params_dot, state_dot, x_dot, weight_dot, fed_back_dot, gain_dot = tangents
    outputs, last, residuals = found

    def body(carry, step):
        before, s_dot = carry
        kept, s, x_dot = step
        given = (weight, s, gain), (weight_dot, s_dot, gain_dot)
        drive_dot = jax.tree.map(jnp.add, x_dot, jax.jvp(_fed, *given)[1])
        step = (params, params_dot, outputs, kept, before, drive_dot)
        after, outputs_dot, kept_dot = tangent.tangent_step(dynamics, *step)
        return (after, outputs_dot[output]), (outputs_dot, kept_dot)

    start = adjoint_behind(dynamics, fed_back, state_dot)
    inputs = (residuals, _before(fed_back, outputs[output]), x_dot)
    (end, _), (outputs_dot, kept_dot) = lax.scan(body, (start, fed_back_dot), inputs)
    return found, (outputs_dot, tangent.last_tangent(end, last, state_dot), kept_dot)


def _fed(weight, s, gain):
    return jax.tree.map(lambda w: _gained(gain, product(s, w)), weight)


def _before(fed_back, s):
    """What is fed back into each step."""
    return jnp.concatenate([fed_back[None], s[:-1]])


def _run_fwd(dynamics, output, params, state, x, weight, fed_back, gain):
    outputs, last, residuals = _train(dynamics, output, params, state, x, weight, fed_back, gain)
    return (outputs, last), (params, weight, fed_back, gain, residuals, outputs[output])


def _run_bwd(dynamics, output, saved, cotangents):
    params, weight, fed_back, gain, residuals, s = saved
    outputs_bar, last_bar = cotangents
    first = adjoint_behind(dynamics, fed_back, last_bar)
    turned = jax.tree.map(jnp.transpose, weight)
    start = jax.tree.map(lambda _: jnp.zeros_like(fed_back), weight)
    sums = {name: jnp.zeros_like(value) for name, value in params.items()}
    of, rows = backward_pass(dynamics, output), (params, gain)
    carry, saved = ((first, sums), start), (residuals, outputs_bar)
    carry, x_bar = select.run_feedback(of, (turned, rows), carry, saved)
    (bar, sums), _ = carry
    before = _before(fed_back, s)
    gained = functools.partial(_gained, gain)
    full = lax.Precision.HIGHEST
    pair = lambda bar: jnp.einsum("tni,tnj->ij", gained(bar), before, precision=full)
    gain_bar = None
    if gain is not None:
        heard = lambda bar, w: jnp.sum(bar * product(before, w), axis=0)
        gain_bar = _sum(jax.tree.map(heard, x_bar, weight))
    weight_bar = jax.tree.map(pair, x_bar)
    fed_back_bar = _sum(jax.tree.map(product, of.message(rows, carry), turned))
    return sums, state_cotangent(bar, last_bar), x_bar, weight_bar, fed_back_bar, gain_bar


_looped.defvjp(_run_fwd, _run_bwd)

_run = jax.jit(_looped, static_argnums=(0, 1))  # else an eager call compiles each time
