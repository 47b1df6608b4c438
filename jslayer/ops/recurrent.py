"""Runs a `Dynamics` with feedback: each step's spikes drive the next step through a matrix."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import check, tangent
from jslayer.ops.boundary import adjoint_behind, checked, state_cotangent
from jslayer.ops.dynamics import Dynamics, Tree
from jslayer.ops.engines import select
from jslayer.ops.event_product import product
from jslayer.ops.forward_mode import reverse_only
from jslayer.ops.time_loop import chunked_loop, time_loop
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
    given = (rows, state, floats(x), floats(weight), fed_back, gain)
    outputs, last = reverse_only(_run)(dynamics, output, *given)
    return visible(outputs, x, params, weight), last


def _over_time(step, carry, inputs, reverse=False):
    """The loop in the form that suits the device; without a GPU nothing is staged."""
    if not select.kernels():
        return time_loop(step, carry, inputs, reverse=reverse)
    loop = lambda of: lambda carry, inputs: of(step, carry, inputs, reverse=reverse)
    return lax.platform_dependent(carry, inputs, cuda=loop(chunked_loop), default=loop(time_loop))


def _driven(x, weight, s, gain):
    scaled = lambda value: value if gain is None else gain * value
    return jax.tree.map(lambda part, w: part + scaled(product(s, w)), x, weight)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _looped(dynamics, output, params, state, x, weight, fed_back, gain):
    constants = dynamics.prepare(params)

    def body(carry, x_t):
        state, s = carry
        state, outputs = dynamics.step(constants, state, _driven(x_t, weight, s, gain))
        return (state, outputs[output]), outputs

    (last, _), outputs = _over_time(body, (state, fed_back), x)
    return outputs, last


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _train(dynamics, output, params, state, x, weight, fed_back, gain):
    """Runs all steps and keeps the residuals of each."""
    constants = dynamics.prepare(params)

    def body(carry, x_t):
        state, s = carry
        drive = _driven(x_t, weight, s, gain)
        state, outputs, residuals = dynamics.step_with_residuals(constants, state, drive)
        return (state, outputs[output]), (outputs, residuals)

    (last, _), (outputs, residuals) = _over_time(body, (state, fed_back), x)
    return outputs, last, residuals


@_train.defjvp
def _train_jvp(dynamics, output, primals, tangents):
    found = _train(dynamics, output, *primals)
    params, _, x, weight, fed_back, gain = primals
    params_dot, state_dot, x_dot, weight_dot, fed_back_dot, gain_dot = tangents
    outputs, last, residuals = found

    def body(carry, step):
        before, s_dot = carry
        kept, s, x, x_dot = step
        driven = functools.partial(_driven, x)
        given = (weight, s, gain), (weight_dot, s_dot, gain_dot)
        fed_dot = jax.jvp(driven, *given)[1]
        drive_dot = jax.tree.map(jnp.add, x_dot, fed_dot)
        step = (params, params_dot, outputs, kept, before, drive_dot)
        after, outputs_dot, kept_dot = tangent.tangent_step(dynamics, *step)
        return (after, outputs_dot[output]), (outputs_dot, kept_dot)

    start = adjoint_behind(dynamics, fed_back, state_dot)
    inputs = (residuals, _before(fed_back, outputs[output]), x, x_dot)
    (end, _), (outputs_dot, kept_dot) = lax.scan(body, (start, fed_back_dot), inputs)
    return found, (outputs_dot, tangent.last_tangent(end, last, state_dot), kept_dot)


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

    def back(drive_bar):
        """``R^T d_bar``, over all parts of the drive."""
        scaled = lambda bar: bar if gain is None else gain * bar
        parts = jax.tree.map(lambda bar, w: product(scaled(bar), w.T), drive_bar, weight)
        return functools.reduce(jnp.add, jax.tree.leaves(parts))

    def body(carry, step):
        bar, drive_bar, sums = carry
        residuals, bars = step
        bars = {**bars, output: bars[output] + back(drive_bar)}
        bar, drive_bar, params_bar = dynamics.adjoint(params, bar, residuals, bars)
        return (bar, drive_bar, jax.tree.map(jnp.add, sums, params_bar)), drive_bar

    start = jax.tree.map(lambda _: jnp.zeros_like(fed_back), weight)
    sums = {name: jnp.zeros_like(value) for name, value in params.items()}
    (bar, drive_bar, sums), x_bar = _over_time(
        body, (first, start, sums), (residuals, outputs_bar), reverse=True
    )
    before = _before(fed_back, s)
    fed = lambda bar: bar if gain is None else gain * bar
    pair = lambda bar: jnp.einsum("tni,tnj->ij", fed(bar), before, precision=lax.Precision.HIGHEST)
    gain_bar = None
    if gain is not None:
        parts = jax.tree.map(
            lambda bar, w: jnp.sum(bar * product(before, w), axis=0), x_bar, weight
        )
        gain_bar = functools.reduce(jnp.add, jax.tree.leaves(parts))
    state_bar = state_cotangent(bar, last_bar)
    return sums, state_bar, x_bar, jax.tree.map(pair, x_bar), back(drive_bar), gain_bar


_looped.defvjp(_run_fwd, _run_bwd)

_run = jax.jit(_looped, static_argnums=(0, 1))  # else an eager call compiles each time
