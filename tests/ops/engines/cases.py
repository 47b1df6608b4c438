"""What every engine test runs over: add a row to `DYNAMICS` and all of them cover it."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import ops
from jslayer.ops.dynamics import Dynamics
from jslayer.ops.engines import passes, scan


def real(steps, neurons, seed=0):
    """Input at which a good part of the neurons spikes."""
    random = np.random.default_rng(seed)
    return jnp.asarray(random.normal(0.2, 0.6, (steps, neurons)), jnp.float32)


def pair(steps, neurons, seed=0):
    """A complex input."""
    return {"real": real(steps, neurons, seed), "imag": real(steps, neurons, seed + 1)}


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """One dynamics.

    Attributes:
      name: What the row is called.
      dynamics: The record.
      params: A value by name; neurons get from half of it to all of it.
      inputs: ``(steps, neurons, seed) -> x``.
      exact: Outputs hold nothing that compilers may contract: all engines agree bit for bit.
    """

    name: str
    dynamics: Dynamics
    params: Mapping[str, float]
    inputs: Callable[..., Any] = real
    exact: bool = True

    def rows(self, neurons):
        """Parameters of ``neurons`` neurons."""
        spread = np.linspace(0.5, 1.0, neurons, dtype=np.float32)
        return {name: jnp.asarray(value * spread) for name, value in self.params.items()}

    def starts(self, steps, neurons, seed=0):
        """The passes that go forward as ``(pass, fixed, carry, rows)``."""
        dynamics, params = self.dynamics, self.rows(neurons)
        state = dynamics.init(jnp.zeros(neurons, jnp.float32))
        start = (dynamics.prepare(params), state, self.inputs(steps, neurons, seed))
        return {
            "forward": (passes.forward(dynamics), *start),
            "training": (passes.training(dynamics), *start),
        }

    def passes(self, steps, neurons, seed=0):
        """The three passes likewise; the backward one from a scan's values."""
        dynamics, params = self.dynamics, self.rows(neurons)
        like = jnp.zeros(neurons, jnp.float32)
        _, (outputs, residuals) = scanned(self, "training", steps, neurons, seed)
        bar = jax.tree.map(
            lambda leaf: real(1, neurons, 7)[0].astype(leaf.dtype), dynamics.adjoint_init(like)
        )
        carry = (bar, {name: like for name in params})
        cotangents = {name: real(steps, neurons, 3 + i) for i, name in enumerate(sorted(outputs))}
        backward = (passes.backward(dynamics), params, carry, (residuals, cotangents))
        return {**self.starts(steps, neurons, seed), "backward": backward}


@functools.cache
def scanned(case, walk, steps, neurons, seed=0):
    """What scan gives for a pass, compiled once for all engines that are compared with it."""
    found = case.passes if walk == "backward" else case.starts
    return through(scan.run, *found(steps, neurons, seed)[walk])


def through(engine, walk, *nests):
    """Runs a pass, compiled."""
    return jax.jit(lambda *nests: engine(walk, *nests))(*nests)


@dataclasses.dataclass(frozen=True)
class Counter(Dynamics):
    """Nested float and integer states, a complex input, several outputs; rounds in every way."""

    def init(self, like):
        zero = jnp.zeros_like(like)
        return {"sum": {"real": zero, "imag": zero}, "count": jnp.zeros_like(like, jnp.int32)}

    def step(self, constants, state, x):
        total = jax.tree.map(jnp.add, state["sum"], x)
        crossed = ~(jax.nn.relu(total["real"]) < constants["level"]) & jnp.isfinite(total["imag"])
        count = state["count"] + jnp.where(crossed, 1, 0)
        outputs = {
            "floor": jnp.floor(total["real"]),
            "round": jnp.round(total["imag"] * 2),
            "ceil": jnp.ceil(total["imag"]) + count.astype(jnp.float32),
        }
        total["real"] = jnp.where(crossed, 0.0, total["real"])
        return {"sum": total, "count": count}, outputs

    def residuals(self, state, x, outputs, after):
        return {"count": after["count"], "real": x["real"], "last": state["sum"]["imag"]}

    def adjoint_init(self, like):
        return {"real": jnp.zeros_like(like), "imag": jnp.zeros_like(like)}

    def adjoint(self, params, bar, residuals, cotangents):
        now = {
            "real": bar["real"] + cotangents["floor"],
            "imag": bar["imag"] + cotangents["round"] + cotangents["ceil"],
        }
        even = (residuals["count"] & 1) == 0
        level = jnp.where(even, residuals["real"], residuals["last"])
        return now, now, {"level": level}


@dataclasses.dataclass(frozen=True)
class Oscillator(Dynamics):
    """Two float states that turn into each other, with the automatic adjoint."""

    gain: float = 0.9

    def init(self, like):
        return {"a": jnp.zeros_like(like), "b": jnp.zeros_like(like)}

    def prepare(self, params):
        return {"cos": jnp.cos(params["angle"]), "sin": jnp.sin(params["angle"])}

    def step(self, constants, state, x):
        a = self.gain * (constants["cos"] * state["a"] - constants["sin"] * state["b"]) + x
        b = self.gain * (constants["sin"] * state["a"] + constants["cos"] * state["b"])
        return {"a": a, "b": b}, {"y": jnp.tanh(a), "b": jnp.abs(b)}


DECAYS = {"current_decay": 0.25, "voltage_decay": 0.0625}
CUBA = {**DECAYS, "threshold": 1.0}
ADAPTIVE = {"threshold_step": 0.5, "threshold_decay": 0.25, "refractory_decay": 0.25}
ROTATION = {"sin_decay": 0.3, "cos_decay": 0.9}
RESONANT = {**ROTATION, "threshold": 0.5}
SIGMA_DELTA = {"threshold": 0.2, "bias": 0.1}

DYNAMICS = (
    Case("leaky integrator", ops.LeakyIntegrator(), {"decay": 0.125}),
    Case("leaky reset", ops.LeakyIntegrator(reset=True), {"decay": 0.125, "threshold": 1.0}),
    Case("cuba", ops.Cuba(), CUBA),
    Case("cuba traced", ops.Cuba(trace=True, graded=True), CUBA),
    Case("cuba read-out", ops.Cuba(readout=True), DECAYS),
    Case("alif", ops.Alif(), {**CUBA, **ADAPTIVE}),
    Case("alif learning", ops.Alif(trace=True, threshold_grad=True), {**CUBA, **ADAPTIVE}),
    Case("resonator", ops.Resonator(reset=True), RESONANT, pair),
    Case("rf", ops.Rf(), RESONANT, pair),
    Case("rf_iz", ops.RfIz(graded=True), RESONANT, pair),
    Case("adrf", ops.Adrf(trace=True, threshold_grad=True), {**RESONANT, **ADAPTIVE}, pair),
    Case("adrf_iz", ops.AdrfIz(), {**RESONANT, **ADAPTIVE}, pair),
    Case("sigma", ops.Sigma(), {}),
    Case("delta", ops.Delta(cumulative_error=True), {"threshold": 0.2}),
    Case("sigma-delta", ops.SigmaDelta(trace=True), SIGMA_DELTA),
    Case("threshold", ops.AdaptiveThreshold(), {"threshold": 1.0, **ADAPTIVE}),
    Case("nested", Counter(), {"level": 2.0}, pair),
    Case("automatic adjoint", Oscillator(), {"angle": 1.0}, exact=False),
)
"""Every dynamics, with the options that change what is computed."""

BY_NAME = {case.name: case for case in DYNAMICS}
