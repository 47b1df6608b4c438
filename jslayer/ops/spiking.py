"""Spiking neurons, put together from a membrane, a threshold, a spike and a reset."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from jslayer.ops import adaptive_threshold as adaptive
from jslayer.ops import check, fixed_point
from jslayer.ops.dynamics import Dynamics, Params, Tree
from jslayer.ops.leaky_integrator import firing_level
from jslayer.ops.membrane import Leaks, Membrane, zeros
from jslayer.ops.spike import fire
from jslayer.ops.surrogate import (
    Exponential,
    PhaseExponential,
    Surrogate,
    phase_derivatives,
)

SLAYER = Exponential(tau=1.0)


@dataclasses.dataclass(frozen=True)
class Spiking(Dynamics):
    """Base of the spiking neurons: integrate, compare, spike, reset; integers inside.

    Parameters are those of the membrane, and unless it is a read-out ``threshold``; adaptive ones
    add ``threshold_step``, ``threshold_decay`` and ``refractory_decay``. States are those of the
    membrane, int32, and ``adaptation`` and ``refractory`` of the adaptive ones. Outputs: ``spike``;
    with ``trace`` also the membrane's states before the reset, and ``threshold`` and ``refractory``
    of adaptive ones before their jump. A read-out gives ``voltage`` (``imag``) and never spikes.

    A state stops at the ends of int32, 2^31 / s_scale threshold units (524,288 as it comes; the
    hardware's 24 bits end at 2,048); gradients pass as if it had not.

    The adjoint takes the surrogate at the watched value and leaves the reset out; the threshold's
    gradient is minus the value's. Without ``threshold_grad`` nothing flows to the adaptation.

    Attributes:
      s_scale: Integer states per threshold unit.
      surrogate: ``(v, theta) -> ds/dv``; for phase spikes also a `PhaseExponential`.
      graded: Spikes carry the watched value.
      trace: Give the traces as well.
      readout: No threshold: the output is the voltage, or the imaginary part.
      threshold_grad: Let gradients through the adaptive threshold, so that its parameters learn.
    """

    membrane: ClassVar[Membrane] = Leaks()
    watched: ClassVar[str] = "voltage"
    value: ClassVar[str] = "voltage"
    phase: ClassVar[bool] = False
    adaptive: ClassVar[bool] = False

    s_scale: int = 4096
    surrogate: Surrogate | PhaseExponential = SLAYER
    graded: bool = False
    trace: bool = False
    readout: bool = False
    threshold_grad: bool = False

    def reset(self, traces: Tree, crossed: jax.Array, constants: Tree) -> Tree:
        """State behind a spike; none but where a family says so."""
        del crossed, constants
        return traces

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters."""
        if self.readout:
            return self.membrane.parameters
        own = adaptive.PARAMETERS if self.adaptive else ("threshold",)
        return (*self.membrane.parameters, *own)

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for other names or values out of range."""
        check.names("params", params, self.parameters)
        if not self.readout:
            check.in_range("threshold", params["threshold"], 0, jnp.inf)
            if self.adaptive:
                adaptive.check_adaptation(params)
        self.membrane.check(params)

    def prepare(self, params: Params) -> Tree:
        """Integer factors, once before the loop."""
        constants = self.membrane.prepare(params)
        if self.readout:
            return constants
        if self.adaptive:
            return {**constants, **adaptive.prepare_adaptation(params, self.s_scale)}
        return {**constants, "level": firing_level(params["threshold"], self.s_scale)}

    def init(self, like: jax.Array) -> Tree:
        """Zero; the threshold at rest."""
        state = zeros(self.membrane, like, jnp.int32)
        if self.adaptive and not self.readout:
            zero = jnp.zeros_like(like, jnp.int32)
            state |= {"adaptation": zero, "refractory": zero}
        return state

    def step(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree]:
        """One time step."""
        after, outputs, _ = self.step_with_residuals(constants, state, x)
        return after, outputs

    def step_with_residuals(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree, Tree]:
        """One time step; the residuals are the traces, and the adaptive threshold."""
        drive = jax.tree.map(lambda part: fixed_point.to_fixed(part, self.s_scale), x)
        traces = self.membrane.advance(constants, state, drive)
        as_float = lambda value: fixed_point.to_float(value, self.s_scale)
        residuals = {name: as_float(value) for name, value in traces.items()}
        if self.readout:
            return traces, {self.value: residuals[self.value]}, residuals
        watched, shown = traces[self.watched], {}
        if self.adaptive:
            adapted = adaptive.decay_adaptation(constants, state)
            crossed = adaptive.crosses(constants, adapted, watched)
            shown = adaptive.threshold_traces(constants, adapted, self.s_scale)
        else:
            crossed = watched >= constants["level"]
        if self.phase:
            crossed = crossed & (traces["imag"] >= 0) & (state["imag"] < 0)
        outputs = {"spike": fire(crossed, as_float(watched), self.graded)}
        if self.trace:
            outputs |= {**residuals, **shown}
        after = self.reset(traces, crossed, constants)
        if self.adaptive:
            after = {**after, **adaptive.jump_adaptation(constants, adapted, crossed)}
            if self.threshold_grad:
                floats = {name: as_float(value) for name, value in adapted.items()}
                residuals |= {**floats, "crossed": crossed.astype(jnp.float32)}
            else:
                residuals["theta"] = shown["threshold"] + shown["refractory"]
        return after, outputs, residuals

    @property
    def traces(self) -> tuple[str, ...]:
        """Those of the membrane, and of a threshold that learns."""
        shown = ("threshold", "refractory") if self._learns_threshold else ()
        return (*self.membrane.traces, *shown)

    @property
    def _learns_threshold(self) -> bool:
        return self.adaptive and self.threshold_grad and not self.readout

    def residual_tangents(
        self, params_dot: Params, before: Tree, x_dot: Tree, values_dot: Tree, after: Tree
    ) -> Tree:
        """Those of the traces, and of a threshold that learns; the spikes count as given."""
        del before, x_dot, after
        found = {name: values_dot[name] for name in self.membrane.traces}
        zero = jnp.zeros_like(found[self.value])
        if self._learns_threshold:
            adaptation = values_dot["threshold"] - params_dot["threshold"]
            refractory = values_dot["refractory"]
            return {**found, "adaptation": adaptation, "refractory": refractory, "crossed": zero}
        return {**found, "theta": zero} if self.adaptive and not self.readout else found

    def adjoint_init(self, like: jax.Array) -> Tree:
        """Zero."""
        bar = zeros(self.membrane, like, jnp.float32)
        if self._learns_threshold:
            bar |= {"adaptation": jnp.zeros_like(like), "refractory": jnp.zeros_like(like)}
        return bar

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, Tree, dict[str, jax.Array]]:
        """One step backward."""
        traces = {name: residuals[name] for name in self.membrane.traces}
        zero = jnp.zeros_like(traces[self.value])
        given = {name: cotangents.get(name, zero) for name in traces}
        params_bar, adapted_bar = {}, {}
        if not self.readout:
            if not self.adaptive:
                theta = params["threshold"]
            elif self.threshold_grad:
                theta = residuals["adaptation"] + params["threshold"] + residuals["refractory"]
            else:
                theta = residuals["theta"]
            spike_bar = cotangents["spike"]
            if self.phase:
                by_real, by_imag = phase_derivatives(
                    self.surrogate, traces["real"], traces["imag"], theta
                )
                theta_bar = -spike_bar * by_real
                given["imag"] = given["imag"] + spike_bar * by_imag
            else:
                theta_bar = -spike_bar * self.surrogate(traces[self.watched], theta)
            given[self.watched] = given[self.watched] - theta_bar
            if not self.adaptive:
                params_bar["threshold"] = theta_bar
            elif self.threshold_grad:
                adapted_bar, params_bar = adaptive.adaptation_adjoint(
                    params,
                    bar,
                    residuals,
                    theta_bar + cotangents.get("threshold", zero),
                    theta_bar + cotangents.get("refractory", zero),
                )
            else:
                params_bar = {name: zero for name in adaptive.PARAMETERS}
        bar, x_bar, membrane_bar = self.membrane.adjoint(params, bar, traces, given)
        return {**bar, **adapted_bar}, x_bar, {**params_bar, **membrane_bar}
