"""Sigma-delta coding: send a change when it is large enough, add the changes up again."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jslayer.ops import check
from jslayer.ops.dynamics import Dynamics, Params, Tree

Activation = Callable[[jax.Array], jax.Array]


def relu(x: jax.Array) -> jax.Array:
    """``max(x, 0)``, with gradient 0 at 0; plain enough for every kernel backend."""
    return jnp.where(x > 0, x, 0.0)


def identity(x: jax.Array) -> jax.Array:
    """``x``."""
    return x


@dataclasses.dataclass(frozen=True)
class Sigma(Dynamics):
    """Running sum: ``y[t] = y[t-1] + x[t]``, float32, one step after the other.

    No parameters. State and output ``sum``; of an input in parts one for each, ``sum_<part>``. One
    by one, so that parts of time equal the whole.

    Attributes:
      parts: Names of the input's parts, ``("real", "imag")`` for a complex one; none for an array.
    """

    parts: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sums."""
        return tuple(f"sum_{part}" for part in self.parts) or ("sum",)

    def apart(self, x: Tree) -> Tree:
        """An input, by the names of its sums."""
        return dict(zip(self.names, [x[part] for part in self.parts] or [x], strict=True))

    def together(self, sums: Tree) -> Tree:
        """The sums, shaped as the input: the inverse of `apart`."""
        values = [sums[name] for name in self.names]
        return dict(zip(self.parts, values, strict=True)) if self.parts else values[0]

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for any parameter."""
        check.names("params", params, ())

    def init(self, like: jax.Array) -> Tree:
        """Zero."""
        return {name: jnp.zeros_like(like) for name in self.names}

    def step(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree]:
        """One time step."""
        del constants
        total = {name: state[name] + part for name, part in self.apart(x).items()}
        return total, total

    def residuals(self, state: Tree, x: Tree, outputs: Tree, after: Tree) -> Tree:
        """Nothing."""
        del state, x, outputs, after
        return {}

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, Tree, dict[str, jax.Array]]:
        """One step backward."""
        del params, residuals
        now = {name: bar[name] + cotangents[name] for name in self.names}
        return now, self.together(now), {}


@dataclasses.dataclass(frozen=True)
class Delta(Dynamics):
    """Sends the change of its input where that reaches the threshold.

    ``d[t] = (x[t] - x[t-1]) + r[t-1]``; ``y = d`` where ``|d| >= threshold``, else 0;
    ``r[t] = d - y``. The output is ``floor(y scale) / scale``. With ``cumulative_error``,
    ``e = e + d`` is compared instead of ``d`` and falls to zero where something was sent.

    Parameter ``threshold``. States ``previous``, ``residual`` and ``error``, float32. Output
    ``spike``. The adjoint takes the output for the change itself, whatever was sent; the threshold
    gets a surrogate gradient: ``-d scale_grad exp(-u / tau_grad) / threshold`` with
    ``u = |d| - threshold`` where it was reached, ``-sign(d)`` where not.

    Attributes:
      scale: Levels per unit of the output.
      tau_grad: Reach of the threshold's gradient above threshold.
      scale_grad: Size of the threshold's gradient above threshold.
      cumulative_error: Compare the sum of the changes.

    References:
      Yoon, LIF and Simplified SRM Neurons Encode Signals Into Spikes via a Form of Asynchronous
      Pulse Sigma-Delta Modulation, 2017.
    """

    scale: int = 64
    tau_grad: float = 1.0
    scale_grad: float = 1.0
    cumulative_error: bool = False

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for other names or a negative threshold."""
        check.names("params", params, ("threshold",))
        check.in_range("threshold", params["threshold"], 0, jnp.inf)

    def init(self, like: jax.Array) -> Tree:
        """Zero."""
        zero = jnp.zeros_like(like)
        return {"previous": zero, "residual": zero, "error": zero}

    def step(self, constants: Tree, state: Tree, x: jax.Array) -> tuple[Tree, Tree]:
        """One time step."""
        after, outputs, _ = self.step_with_residuals(constants, state, x)
        return after, outputs

    def step_with_residuals(
        self, constants: Tree, state: Tree, x: jax.Array
    ) -> tuple[Tree, Tree, Tree]:
        """One time step; the residual is the change."""
        change = (x - state["previous"]) + state["residual"]
        error = state["error"] + change if self.cumulative_error else change
        sent = jnp.where(jnp.abs(error) >= constants["threshold"], change, 0.0)
        if self.cumulative_error:
            error = jnp.where(sent != 0, 0.0, error)
        else:
            error = state["error"]
        after = {"previous": x, "residual": change - sent, "error": error}
        step = 1 / self.scale
        return after, {"spike": jnp.floor(sent / step) * step}, {"change": change}

    @property
    def traces(self) -> tuple[str, ...]:
        """The change, which unlike the output does not depend on the threshold."""
        return ("change",)

    def residual_tangents(
        self, params_dot: Params, before: Tree, x_dot: Tree, values_dot: Tree, after: Tree
    ) -> Tree:
        """That of the change."""
        del params_dot, before, x_dot, after
        return {"change": values_dot["change"]}

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, jax.Array, dict[str, jax.Array]]:
        """One step backward."""
        now, change = cotangents["spike"], residuals["change"]
        above = jnp.abs(change) - params["threshold"]
        reach = jnp.exp(-jnp.abs(above) / self.tau_grad)
        reached = -change * self.scale_grad * reach / params["threshold"]
        threshold = now * jnp.where(above > 0, reached, -jnp.sign(change))
        passed = now + cotangents["change"] if "change" in cotangents else now
        zero = jnp.zeros_like(now)
        before = {"previous": -passed, "residual": zero, "error": zero}
        return before, passed + bar["previous"], {"threshold": threshold}


@dataclasses.dataclass(frozen=True)
class SigmaDelta(Dynamics):
    """Sigma, bias, activation and delta in one pass: ``delta(activation(sigma(x) + bias))``.

    Parameters ``threshold`` and ``bias``. States are those of `Sigma` and `Delta`. Output
    ``spike``; with ``trace`` also ``sigma`` (before the bias) and ``activation``. A read-out gives
    ``activation`` and sends nothing.

    Attributes:
      delta: The encoder.
      activation: Any elementwise function, by JAX differentiable.
      trace: Give sigma and activation as well.
      readout: The output is the activation.
      sigma: The decoder.

    References:
      O'Connor and Welling, Sigma Delta Quantized Networks, 2017.
    """

    delta: Delta = Delta()
    activation: Activation = relu
    trace: bool = False
    readout: bool = False
    sigma: Sigma = Sigma()

    def check(self, params: Params) -> None:
        """Raises ``ValueError`` for other names or a negative threshold."""
        check.names("params", params, ("bias",) if self.readout else ("threshold", "bias"))
        if not self.readout:
            self.delta.check({"threshold": params["threshold"]})

    def init(self, like: jax.Array) -> Tree:
        """Zero."""
        return {**self.sigma.init(like), **({} if self.readout else self.delta.init(like))}

    def step(self, constants: Tree, state: Tree, x: jax.Array) -> tuple[Tree, Tree]:
        """One time step."""
        after, outputs, _ = self.step_with_residuals(constants, state, x)
        return after, outputs

    def step_with_residuals(
        self, constants: Tree, state: Tree, x: jax.Array
    ) -> tuple[Tree, Tree, Tree]:
        """One time step; the residuals are the biased sum and the change."""
        total, _ = self.sigma.step({}, state, x)
        biased = total["sum"] + constants["bias"]
        active = self.activation(biased)
        if self.readout:
            return total, {"activation": active}, {"biased": biased}
        after, outputs, residuals = self.delta.step_with_residuals(constants, state, active)
        if self.trace:
            outputs = {**outputs, "sigma": total["sum"], "activation": active}
        return {**total, **after}, outputs, {**residuals, "biased": biased}

    @property
    def traces(self) -> tuple[str, ...]:
        """The sum, and those of the encoder."""
        return ("sigma",) if self.readout else ("sigma", *self.delta.traces)

    def residual_tangents(
        self, params_dot: Params, before: Tree, x_dot: Tree, values_dot: Tree, after: Tree
    ) -> Tree:
        """Those of the biased sum and of the change."""
        biased = {"biased": values_dot["sigma"] + params_dot["bias"]}
        if self.readout:
            return biased
        given = (params_dot, before, x_dot, values_dot, after)
        return {**self.delta.residual_tangents(*given), **biased}

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, jax.Array, dict[str, jax.Array]]:
        """One step backward."""
        _, pullback = jax.vjp(self.activation, residuals["biased"])
        if self.readout:
            before, active_bar, params_bar = {}, cotangents["activation"], {}
        else:
            before, active_bar, params_bar = self.delta.adjoint(params, bar, residuals, cotangents)
        if self.trace and not self.readout:
            active_bar = active_bar + cotangents["activation"]
        (biased_bar,) = pullback(active_bar)
        sigma_bar = biased_bar + cotangents["sigma"] if "sigma" in cotangents else biased_bar
        total, x_bar, _ = self.sigma.adjoint({}, bar, {}, {"sum": sigma_bar})
        return {**total, **before}, x_bar, {**params_bar, "bias": biased_bar}
