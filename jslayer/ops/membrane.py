"""Membranes: what integrates a neuron's drive, apart from how it spikes.

A membrane is written once and shared by all neurons that have it: two leaky integrators in a row
(cuba, alif) or a resonator (rf, rf_iz, adrf, adrf_iz).
"""

import dataclasses

import jax
import jax.numpy as jnp

from jslayer.ops import check, fixed_point
from jslayer.ops.dynamics import Params, Tree
from jslayer.ops.leaky_integrator import leak, leak_adjoint
from jslayer.ops.resonator import check_rotation, rotate, rotate_adjoint


@dataclasses.dataclass(frozen=True)
class Leaks:
    """Current and voltage: ``u = (1 - current_decay) u + x``, ``v = (1 - voltage_decay) v + u``.

    Attributes:
      parameters: Names of its parameters.
      traces: Names of its states.
      complex_input: The drive is one array, not a nest of ``real`` and ``imag``.
    """

    parameters = ("current_decay", "voltage_decay")
    traces = ("current", "voltage")
    complex_input = False

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for a decay outside [0, 1]."""
        for name in self.parameters:
            check.in_range(name, params[name], 0, 1)

    def prepare(self, params: Params) -> Tree:
        """Integer factors, once before the loop."""
        one = fixed_point.DECAY_SCALE
        return {
            "keep_current": one - fixed_point.fraction(params["current_decay"]),
            "keep_voltage": one - fixed_point.fraction(params["voltage_decay"]),
        }

    def advance(self, constants: Tree, state: Tree, drive: jax.Array) -> Tree:
        """One time step on integers, before any reset."""
        current = leak(state["current"], constants["keep_current"], drive)
        voltage = leak(state["voltage"], constants["keep_voltage"], current)
        return {"current": current, "voltage": voltage}

    def adjoint(
        self, params: Params, bar: Tree, trace: Tree, cotangent: Tree
    ) -> tuple[Tree, jax.Array, dict[str, jax.Array]]:
        """One step backward: adjoint of the states, of the drive and of the parameters."""
        voltage, voltage_decay = leak_adjoint(
            params["voltage_decay"], bar["voltage"], trace["voltage"], cotangent["voltage"]
        )
        current, current_decay = leak_adjoint(
            params["current_decay"],
            bar["current"],
            trace["current"],
            voltage + cotangent["current"],
        )
        params_bar = {"current_decay": current_decay, "voltage_decay": voltage_decay}
        return {"current": current, "voltage": voltage}, current, params_bar


@dataclasses.dataclass(frozen=True)
class Resonance:
    """A complex state: ``z = (cos_decay + i sin_decay) z + x``; see `jslayer.ops.resonator`.

    Attributes:
      parameters: Names of its parameters.
      traces: Names of its states.
      complex_input: The drive is a nest of ``real`` and ``imag``.
    """

    parameters = ("sin_decay", "cos_decay")
    traces = ("real", "imag")
    complex_input = True

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for sin or cos decays outside [-1, 1]."""
        check_rotation(params)

    def prepare(self, params: Params) -> Tree:
        """Integer factors, once before the loop."""
        return {
            "sin": fixed_point.fraction(params["sin_decay"]),
            "cos": fixed_point.fraction(params["cos_decay"]),
        }

    def advance(self, constants: Tree, state: Tree, drive: Tree) -> Tree:
        """One time step on integers, before any reset."""
        return rotate(state, constants["sin"], constants["cos"], drive)

    def adjoint(
        self, params: Params, bar: Tree, trace: Tree, cotangent: Tree
    ) -> tuple[Tree, Tree, dict[str, jax.Array]]:
        """One step backward: adjoint of the states, of the drive and of the parameters."""
        now, params_bar = rotate_adjoint(
            params["sin_decay"], params["cos_decay"], bar, trace, cotangent
        )
        return now, now, params_bar


Membrane = Leaks | Resonance


def zeros(membrane: Membrane, like: jax.Array, dtype: jnp.dtype) -> Tree:
    """A row of zeros for every state of a membrane."""
    return {name: jnp.zeros_like(like, dtype) for name in membrane.traces}
