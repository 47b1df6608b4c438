"""Leaky integrator: the first-order filter of every current and voltage."""

import dataclasses

import jax
import jax.numpy as jnp

from jslayer.ops import check, fixed_point
from jslayer.ops.dynamics import Dynamics, Params, Tree


def leak(value: jax.Array, keep: jax.Array, drive: jax.Array) -> jax.Array:
    """One step: ``value * keep / 4096``, cut toward zero, plus ``drive``; all int32."""
    return fixed_point.add(fixed_point.multiply(value, keep), drive)


def leak_adjoint(
    decay: jax.Array, bar: jax.Array, trace: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """One step of the adjoint of `leak`, backward in time.

    ``bar[t] = (1 - decay) bar[t+1] + cotangent[t]``. The decay's cotangent pairs ``bar[t+1]`` with
    the trace of step t, so one residual per step is enough.

    Args:
      decay: Fraction lost per step.
      bar: Adjoint of the step after.
      trace: Output of this step, in threshold units, before a reset.
      cotangent: Cotangent of this step's output.

    Returns:
      The adjoint of this step, which is the cotangent of its drive, and the decay's cotangent.
    """
    return (1.0 - decay) * bar + cotangent, -bar * trace


def firing_level(threshold: jax.Array, s_scale: int) -> jax.Array:
    """Least integer state that reaches ``threshold``."""
    return jnp.ceil(threshold * s_scale).astype(jnp.int32)


@dataclasses.dataclass(frozen=True)
class LeakyIntegrator(Dynamics):
    """``y[t] = (1 - decay) y[t-1] + x[t]``, rounded toward zero; optionally reset at a threshold.

    Parameters: ``decay`` in [0, 1] on the 12-bit grid, and ``threshold`` if ``reset``. State and
    output: ``y``. The output is the value before the reset. The adjoint is that of the filter
    without reset; the threshold and the state before the first step get no gradient.

    Attributes:
      s_scale: Integer states per threshold unit.
      reset: Set the state to zero where it reaches the threshold.
    """

    s_scale: int = 4096
    reset: bool = False

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for other names, or a decay or threshold out of range."""
        check.names("params", params, ("decay", "threshold") if self.reset else ("decay",))
        if self.reset:
            check.in_range("threshold", params["threshold"], 1 / self.s_scale, jnp.inf)
        check.in_range("decay", params["decay"], 0, 1)

    def prepare(self, params: Params) -> Tree:
        """Integer factors, once before the loop."""
        constants = {"keep": fixed_point.DECAY_SCALE - fixed_point.fraction(params["decay"])}
        if self.reset:
            constants["level"] = firing_level(params["threshold"], self.s_scale)
        return constants

    def init(self, like: jax.Array) -> Tree:
        """Zero."""
        return {"y": jnp.zeros_like(like, jnp.int32)}

    def step(self, constants: Tree, state: Tree, x: jax.Array) -> tuple[Tree, Tree]:
        """One time step."""
        y = leak(state["y"], constants["keep"], fixed_point.to_fixed(x, self.s_scale))
        outputs = {"y": fixed_point.to_float(y, self.s_scale)}
        if self.reset:
            y = jnp.where(y >= constants["level"], 0, y)
        return {"y": y}, outputs

    def residuals(self, state: Tree, x: jax.Array, outputs: Tree, after: Tree) -> Tree:
        """The trace."""
        del state, x, after
        return outputs

    def adjoint_init(self, like: jax.Array) -> Tree:
        """Zero."""
        return {"y": jnp.zeros_like(like)}

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, jax.Array, dict[str, jax.Array]]:
        """One step backward."""
        y_bar, decay_bar = leak_adjoint(params["decay"], bar["y"], residuals["y"], cotangents["y"])
        params_bar = {"decay": decay_bar}
        if self.reset:
            params_bar["threshold"] = jnp.zeros_like(decay_bar)
        return {"y": y_bar}, y_bar, params_bar
