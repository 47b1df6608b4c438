"""What an engine runs: one function of a step, repeated over time in either direction."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jslayer.ops.dynamics import Dynamics, Tree


@dataclasses.dataclass(frozen=True)
class Pass:
    """A loop over time: ``carry, outputs[t] = step(fixed, carry, inputs[t])``.

    Attributes:
      name: For profiles and error messages.
      step: Elementwise over neurons, on nests of ``[N]`` arrays.
      reverse: From the last step to the first.
    """

    name: str
    step: Callable[[Tree, Tree, Tree], tuple[Tree, Tree]]
    reverse: bool = False


@dataclasses.dataclass(frozen=True)
class FeedbackPass:
    """A loop over time in which neurons of a sample tell each other something before each step.

    ``carry, outputs[t] = step(fixed, carry, (inputs[t], M message(fixed, carry)))``.

    Attributes:
      name: For profiles and error messages.
      message: What is sent, a nest of ``[N, C]`` arrays like that of the matrices ``M``.
      step: Elementwise, as in a `Pass`.
      reverse: From the last step to the first.
    """

    name: str
    message: Callable[[Tree, Tree], Tree]
    step: Callable[[Tree, Tree, tuple[Tree, Tree]], tuple[Tree, Tree]]
    reverse: bool = False

    @property
    def step_alone(self) -> Pass:
        """The pass whose inputs are pairs, of what comes from outside and what neurons heard."""
        return Pass(self.name, self.step, self.reverse)


Engine = Callable[[Pass, Tree, Tree, Tree], tuple[Tree, Tree]]
"""``(pass, fixed, carry, inputs) -> (last carry, outputs)``.

``fixed`` and ``carry`` are nests of ``[N]`` arrays, ``inputs`` and the outputs nests of ``[T, N]``
arrays.
"""


@functools.lru_cache
def forward(dynamics: Dynamics) -> Pass:
    """From constants, state and input to the last state and the outputs."""
    return Pass(f"{_name(dynamics)}_forward", dynamics.step)


@functools.lru_cache
def training(dynamics: Dynamics) -> Pass:
    """As `forward`, but gives ``(outputs, residuals)``."""

    def step(constants, before, x):
        after, outputs, residuals = dynamics.step_with_residuals(constants, before, x)
        return after, (outputs, residuals)

    return Pass(f"{_name(dynamics)}_training", step)


@functools.lru_cache
def backward(dynamics: Dynamics) -> Pass:
    """From parameters, ``(adjoint state, sums)`` and ``(residuals, cotangents)`` to the input's.

    Parameter cotangents are added to the sums, which are part of the carry: stacking them and
    summing afterwards costs a multiple of the time.
    """

    def step(params, carry, saved):
        bar, sums = carry
        bar, x_bar, params_bar = dynamics.adjoint(params, bar, *saved)
        return (bar, jax.tree.map(jnp.add, sums, params_bar)), x_bar

    return Pass(f"{_name(dynamics)}_backward", step, reverse=True)


def _name(dynamics):
    return type(dynamics).__name__.lower()
