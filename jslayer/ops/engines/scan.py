"""The engine for CPU, TPU and older GPUs: `jax.lax.scan` over time-first rows.

``unroll`` stays 1: on a CPU, XLA fuses unrolled steps with the stacking of their outputs and
recomputes the chain for each of them, which is up to 18 times slower.
"""

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops.dynamics import Dynamics, Params, Tree


def forward(dynamics: Dynamics, params: Params, state: Tree, x: Tree) -> tuple[Tree, Tree]:
    """Runs all steps and keeps nothing for a gradient.

    Args:
      dynamics: The record of the neuron.
      params: ``[N]`` rows.
      state: ``[N]`` rows.
      x: ``[T, N]`` arrays.

    Returns:
      Outputs ``[T, N]`` and the state after the last step.
    """
    constants = dynamics.prepare(params)
    last, outputs = lax.scan(lambda s, x_t: dynamics.step(constants, s, x_t), state, x)
    return outputs, last


def forward_with_residuals(
    dynamics: Dynamics, params: Params, state: Tree, x: Tree
) -> tuple[Tree, Tree, Tree]:
    """Runs all steps and returns ``(outputs, last state, residuals)``; see `forward`."""
    constants = dynamics.prepare(params)

    def body(before, x_t):
        after, outputs, residuals = dynamics.step_with_residuals(constants, before, x_t)
        return after, (outputs, residuals)

    last, (outputs, residuals) = lax.scan(body, state, x)
    return outputs, last, residuals


def backward(
    dynamics: Dynamics, params: Params, residuals: Tree, outputs_bar: Tree, bar: Tree
) -> tuple[Tree, Tree, dict[str, jax.Array]]:
    """Runs the adjoint from the last step to the first.

    Parameter cotangents are summed in the carry: stacking them and summing afterwards costs a
    multiple of the time.

    Args:
      dynamics: The record of the neuron.
      params: ``[N]`` rows.
      residuals: What `forward_with_residuals` kept, ``[T, N]``.
      outputs_bar: Cotangents of the outputs, ``[T, N]``.
      bar: Adjoint state behind the last step.

    Returns:
      The adjoint state before the first step, the input's cotangent ``[T, N]`` and the
      parameters' cotangents ``[N]``.
    """

    def body(carry, step):
        bar, sums = carry
        bar, x_bar, params_bar = dynamics.adjoint(params, bar, *step)
        return (bar, jax.tree.map(jnp.add, sums, params_bar)), x_bar

    sums = {name: jnp.zeros_like(value) for name, value in params.items()}
    (bar, sums), x_bar = lax.scan(body, (bar, sums), (residuals, outputs_bar), reverse=True)
    return bar, x_bar, sums
