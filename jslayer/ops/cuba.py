"""Current-based leaky integrate-and-fire neuron: current, voltage and spike in one pass."""

import dataclasses

import jax
import jax.numpy as jnp

from jslayer.ops import check, fixed_point
from jslayer.ops.dynamics import Dynamics, Params, Tree
from jslayer.ops.leaky_integrator import firing_level, leak, leak_adjoint
from jslayer.ops.spike import fire
from jslayer.ops.surrogate import Exponential, Surrogate

SLAYER = Exponential(tau=1.0)


@dataclasses.dataclass(frozen=True)
class Cuba(Dynamics):
    """Two leaky integrators in a row and a spike with reset to zero.

    ``u[t] = (1 - current_decay) u[t-1] + x[t]``, ``v[t] = (1 - voltage_decay) v[t-1] + u[t]``,
    ``s[t] = [v[t] >= threshold]``, then ``v[t] = 0`` where it spiked; integers inside.

    Parameters: ``current_decay`` and ``voltage_decay`` in [0, 1] on the 12-bit grid, and
    ``threshold`` unless it is a read-out. States ``current`` and ``voltage``, int32. Outputs
    ``spike``; with ``trace`` also ``current`` and ``voltage`` (before the reset). A read-out gives
    ``voltage`` and never spikes.

    The adjoint takes the surrogate at the voltage and leaves the reset out; the threshold's
    gradient is minus the voltage's.

    Attributes:
      s_scale: Integer states per threshold unit.
      surrogate: ``(v, theta) -> ds/dv``.
      graded: Spikes carry the voltage.
      trace: Give current and voltage as well.
      readout: No threshold: the output is the voltage.

    References:
      Davies et al., Loihi: A Neuromorphic Manycore Processor with On-Chip Learning, 2018.
    """

    s_scale: int = 4096
    surrogate: Surrogate = SLAYER
    graded: bool = False
    trace: bool = False
    readout: bool = False

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for other names, a decay outside [0, 1], a negative threshold."""
        decays = ("current_decay", "voltage_decay")
        check.names("params", params, decays if self.readout else (*decays, "threshold"))
        if not self.readout:
            check.in_range("threshold", params["threshold"], 0, jnp.inf)
        check.in_range("current_decay", params["current_decay"], 0, 1)
        check.in_range("voltage_decay", params["voltage_decay"], 0, 1)

    def prepare(self, params: Params) -> Tree:
        """Integer factors, once before the loop."""
        one = fixed_point.DECAY_SCALE
        constants = {
            "keep_current": one - fixed_point.fraction(params["current_decay"]),
            "keep_voltage": one - fixed_point.fraction(params["voltage_decay"]),
        }
        if not self.readout:
            constants["level"] = firing_level(params["threshold"], self.s_scale)
        return constants

    def init(self, like: jax.Array) -> Tree:
        """Zero."""
        zero = jnp.zeros_like(like, jnp.int32)
        return {"current": zero, "voltage": zero}

    def step(self, constants: Tree, state: Tree, x: jax.Array) -> tuple[Tree, Tree]:
        """One time step."""
        after, outputs, _ = self.step_with_residuals(constants, state, x)
        return after, outputs

    def step_with_residuals(
        self, constants: Tree, state: Tree, x: jax.Array
    ) -> tuple[Tree, Tree, Tree]:
        """One time step; the residuals are the traces as integers."""
        drive = fixed_point.to_fixed(x, self.s_scale)
        u = leak(state["current"], constants["keep_current"], drive)
        v = leak(state["voltage"], constants["keep_voltage"], u)
        residuals = {"current": u, "voltage": v}
        outputs = {}
        if self.readout:
            outputs["voltage"] = fixed_point.to_float(v, self.s_scale)
            return residuals, outputs, residuals
        crossed = v >= constants["level"]
        outputs["spike"] = fire(crossed, fixed_point.to_float(v, self.s_scale), self.graded)
        if self.trace:
            outputs["current"] = fixed_point.to_float(u, self.s_scale)
            outputs["voltage"] = fixed_point.to_float(v, self.s_scale)
        return {"current": u, "voltage": jnp.where(crossed, 0, v)}, outputs, residuals

    def adjoint_init(self, like: jax.Array) -> Tree:
        """Zero."""
        return {"current": jnp.zeros_like(like), "voltage": jnp.zeros_like(like)}

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, jax.Array, dict[str, jax.Array]]:
        """One step backward."""
        u = fixed_point.to_float(residuals["current"], self.s_scale)
        v = fixed_point.to_float(residuals["voltage"], self.s_scale)
        params_bar = {}
        if self.readout:
            v_direct = cotangents["voltage"]
        else:
            v_direct = cotangents["spike"] * self.surrogate(v, params["threshold"])
            params_bar["threshold"] = -v_direct
            if self.trace:
                v_direct = v_direct + cotangents["voltage"]
        v_bar, params_bar["voltage_decay"] = leak_adjoint(
            params["voltage_decay"], bar["voltage"], v, v_direct
        )
        u_direct = v_bar + cotangents["current"] if self.trace and not self.readout else v_bar
        u_bar, params_bar["current_decay"] = leak_adjoint(
            params["current_decay"], bar["current"], u, u_direct
        )
        return {"current": u_bar, "voltage": v_bar}, u_bar, params_bar
