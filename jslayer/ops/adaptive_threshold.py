"""Adaptive threshold with refraction: both rise with every spike and decay back to rest.

The threshold is kept relative to its rest value, as ``adaptation``; so rest is zero, a learned
rest value needs no other state, and decaying toward rest is a plain leak.
"""

import dataclasses

import jax
import jax.numpy as jnp

from jslayer.ops import check, fixed_point
from jslayer.ops.dynamics import Dynamics, Params, Tree

PARAMETERS = ("threshold", "threshold_step", "threshold_decay", "refractory_decay")
"""What an adaptive threshold needs, by name."""


def check_adaptation(params: Params) -> None:
    """Raises ``ValueError`` for a decay outside [0, 1]."""
    check.in_range("threshold_decay", params["threshold_decay"], 0, 1)
    check.in_range("refractory_decay", params["refractory_decay"], 0, 1)


def prepare_adaptation(params: Params, s_scale: int) -> Tree:
    """Integer factors of the adaptation, once before the loop."""
    one = fixed_point.DECAY_SCALE
    return {
        "rest": fixed_point.to_fixed(params["threshold"], s_scale),
        "jump": fixed_point.to_fixed(params["threshold_step"], s_scale),
        "keep_threshold": one - fixed_point.fraction(params["threshold_decay"]),
        "keep_refractory": one - fixed_point.fraction(params["refractory_decay"]),
    }


def decay_adaptation(constants: Tree, state: Tree) -> Tree:
    """Adaptation and refraction of this step, before a spike; all int32."""
    return {
        "adaptation": fixed_point.multiply(state["adaptation"], constants["keep_threshold"]),
        "refractory": fixed_point.multiply(state["refractory"], constants["keep_refractory"]),
    }


def jump_adaptation(constants: Tree, state: Tree, crossed: jax.Array) -> Tree:
    """After a spike: refraction rises by twice the threshold, the threshold by its step."""
    add, adaptation, refractory = fixed_point.add, state["adaptation"], state["refractory"]
    level = _level(constants, state)
    return {
        "adaptation": jnp.where(crossed, add(adaptation, constants["jump"]), adaptation),
        "refractory": jnp.where(crossed, add(add(refractory, level), level), refractory),
    }


def _level(constants: Tree, state: Tree) -> jax.Array:
    """The threshold: its rest value and what it has risen."""
    return fixed_point.add(state["adaptation"], constants["rest"])


def crosses(constants: Tree, state: Tree, value: jax.Array) -> jax.Array:
    """True where ``value`` reaches threshold plus refraction."""
    return fixed_point.reaches_sum(value, _level(constants, state), state["refractory"])


def threshold_traces(constants: Tree, state: Tree, s_scale: int) -> Tree:
    """``threshold`` and ``refractory`` in threshold units."""
    return {
        "threshold": fixed_point.to_float(_level(constants, state), s_scale),
        "refractory": fixed_point.to_float(state["refractory"], s_scale),
    }


def adaptation_adjoint(
    params: Params, bar: Tree, residuals: Tree, level_bar: jax.Array, refractory_bar: jax.Array
) -> tuple[Tree, dict[str, jax.Array]]:
    """One step of the adjoint of the adaptation, backward in time, for a given spike train.

    The spike train counts as given, as it does for resets: what flows are the values that decay
    and jump, not the moments of the jumps.

    Args:
      params: Parameters in natural units.
      bar: Adjoints of adaptation and refraction of the step after.
      residuals: ``adaptation``, ``refractory`` (threshold units, before the jump) and ``crossed``
        (0 or 1) of this step.
      level_bar: Cotangent of this step's threshold.
      refractory_bar: Cotangent of this step's refraction.

    Returns:
      The adjoints of this step and the cotangents of the parameters.
    """
    crossed = residuals["crossed"]
    level = residuals["adaptation"] + params["threshold"]
    after = {
        "adaptation": residuals["adaptation"] + crossed * params["threshold_step"],
        "refractory": residuals["refractory"] + 2 * crossed * level,
    }
    after_bar = {
        "adaptation": (1 - params["threshold_decay"]) * bar["adaptation"],
        "refractory": (1 - params["refractory_decay"]) * bar["refractory"],
    }
    level_bar = level_bar + 2 * crossed * after_bar["refractory"]
    now = {
        "adaptation": after_bar["adaptation"] + level_bar,
        "refractory": after_bar["refractory"] + refractory_bar,
    }
    params_bar = {
        "threshold": level_bar,
        "threshold_step": crossed * after_bar["adaptation"],
        "threshold_decay": -bar["adaptation"] * after["adaptation"],
        "refractory_decay": -bar["refractory"] * after["refractory"],
    }
    return now, params_bar


@dataclasses.dataclass(frozen=True)
class AdaptiveThreshold(Dynamics):
    """Threshold and refraction that follow a given voltage, ``x[t]``.

    Both decay, the threshold toward its rest value. Where ``x[t] >= threshold[t] + refractory[t]``
    the refraction then rises by twice the threshold and the threshold by ``threshold_step``.

    Parameters: `PARAMETERS`. States ``adaptation`` (threshold above rest) and ``refractory``,
    int32; with ``phase`` also ``imag``. Outputs ``threshold``, ``refractory`` (before the jump) and
    ``spike``. The adjoint gives the parameters their gradient through both traces, for the given
    spike train; nothing flows to the voltage.

    Attributes:
      s_scale: Integer states per threshold unit.
      phase: The input is a nest of ``real`` and ``imag``; a spike also needs an upward zero
        crossing of the imaginary part, and the real part is compared.

    References:
      Bellec et al., Long short-term memory and learning-to-learn in networks of spiking neurons,
      2018.
    """

    s_scale: int = 4096
    phase: bool = False

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for other names or a decay outside [0, 1]."""
        check.names("params", params, PARAMETERS)
        check_adaptation(params)

    def prepare(self, params: Params) -> Tree:
        """Integer factors, once before the loop."""
        return prepare_adaptation(params, self.s_scale)

    def init(self, like: jax.Array) -> Tree:
        """Zero: the threshold at rest."""
        zero = jnp.zeros_like(like, jnp.int32)
        state = {"adaptation": zero, "refractory": zero}
        return {**state, "imag": zero} if self.phase else state

    def step(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree]:
        """One time step."""
        after, outputs, _ = self.step_with_residuals(constants, state, x)
        return after, outputs

    def step_with_residuals(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree, Tree]:
        """One time step; the residuals are the values before the jump."""
        drive = jax.tree.map(lambda part: fixed_point.to_fixed(part, self.s_scale), x)
        now = decay_adaptation(constants, state)
        crossed = crosses(constants, now, drive["real"] if self.phase else drive)
        if self.phase:
            crossed = crossed & (drive["imag"] >= 0) & (state["imag"] < 0)
        spike = crossed.astype(jnp.float32)
        residuals = {name: fixed_point.to_float(now[name], self.s_scale) for name in now}
        after = jump_adaptation(constants, now, crossed)
        if self.phase:
            after["imag"] = drive["imag"]
        outputs = {**threshold_traces(constants, now, self.s_scale), "spike": spike}
        return after, outputs, {**residuals, "crossed": spike}

    def residual_tangents(
        self, params_dot: Params, before: Tree, x_dot: Tree, values_dot: Tree, after: Tree
    ) -> Tree:
        """Those of the values before the jump; the spikes count as given."""
        del before, x_dot, after
        adaptation = values_dot["threshold"] - params_dot["threshold"]
        refractory, zero = values_dot["refractory"], jnp.zeros_like(adaptation)
        return {"adaptation": adaptation, "refractory": refractory, "crossed": zero}

    def adjoint_init(self, like: jax.Array) -> Tree:
        """Zero."""
        return {"adaptation": jnp.zeros_like(like), "refractory": jnp.zeros_like(like)}

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, Tree, dict[str, jax.Array]]:
        """One step backward."""
        bar, params_bar = adaptation_adjoint(
            params, bar, residuals, cotangents["threshold"], cotangents["refractory"]
        )
        zero = jnp.zeros_like(residuals["crossed"])
        return bar, {"real": zero, "imag": zero} if self.phase else zero, params_bar
