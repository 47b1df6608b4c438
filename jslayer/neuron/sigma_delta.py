"""Sigma-delta neuron: adds up incoming changes, applies an activation, sends its changes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jslayer import persistence
from jslayer.neuron import activation as activations
from jslayer.neuron import base, parameters
from jslayer.neuron.device import neuron_params as neuron_params
from jslayer.neuron.dropout import Dropout
from jslayer.ops import check, fixed_point, sigma_delta
from jslayer.ops.dynamics import Dynamics, Tree

__all__ = ["Neuron", "neuron_params"]


def __dir__() -> list[str]:
    return __all__


class Neuron(base.Neuron):
    """Wraps an activation, or a whole neuron, in sigma-delta coding.

    ``out = delta(activation(norm(sigma(x)) + bias))``: changes come in and changes go out, so that
    an input that hardly changes costs hardly an event. See `jslayer.ops.sigma_delta`.

    Attributes:
      threshold: Least change that is sent, in units of the activation; cut to multiples of
        ``1 / scale`` at the start.
      activation: Any elementwise function, its name (``"relu"``), or an unattached neuron, whose
        spikes (or, as a read-out, voltages) are then the activation. A complex one makes the drive
        a pair ``(real, imag)``, of which both parts are summed, normed and biased.
      tau_grad: Reach of the threshold's gradient, in units of the activation.
      scale_grad: Size of the threshold's gradient, as a factor.
      scale: Integer weights per unit of weight; outputs are 64 times finer.
      cum_error: Compare the sum of the changes since the last event with the threshold.
      norm: A norm class (or factory) that takes ``pre_hook``, or ``None``; acts on the sum.
      dropout: A `Dropout` or its probability, or ``None``; acts on the drive.
      shared_param: ``True``: one threshold per layer, ``False``: per channel, ``"neuron"``: each.
      persistent_state: Carry the state to the next call, in collection ``"state"``.
      requires_grad: Learn the threshold (and the bias).
      bias: First value of a bias on the sum, or ``None`` for none.
      bias_param: As ``shared_param``, for the bias.
      readout: Return the activation itself.
      encoder: Only encode: no sum, no activation.
      implementation: Engine; ``None``: the fastest that works here, see `jslayer.ops.engine.run`.
      policy: What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    References:
      O'Connor and Welling, Sigma Delta Quantized Networks, 2017.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.array([[[0.5, 0.5, 0.0, 0.0]]])
      >>> Neuron(threshold=0.25, activation="relu").apply({}, x)[0, 0]
      Array([0.5, 0.5, 0. , 0. ], dtype=float32)
    """

    threshold: parameters.Number
    activation: Any
    tau_grad: parameters.Number = 1
    scale_grad: parameters.Number = 1
    scale: int = 64
    cum_error: bool = False
    norm: Any = None
    dropout: Dropout | parameters.Number | None = None
    shared_param: parameters.Granularity = True
    persistent_state: bool = False
    requires_grad: bool = False
    bias: parameters.Spread | None = None
    bias_param: parameters.Granularity = False
    readout: bool = False
    encoder: bool = False
    implementation: str | None = None
    policy: base.Policy = "save"

    graded_spike = True
    sums_drive = True
    threshold_grad = False
    block_shift = False

    def as_input(self) -> "Neuron":
        """Only the encoder: data enter as they are."""
        return self.clone(encoder=True, norm=None, bias=None)

    def as_output(self) -> "Neuron":
        """Only the sum."""
        return self.clone(readout=True, activation="identity", norm=None, bias=None)

    def check_fields(self) -> None:
        """Raises ``ValueError`` for constructor arguments out of range."""
        super().check_fields()
        parameters.check_array("threshold", self.threshold, self.shared_param)
        check.in_range("threshold", parameters.numbers(self.threshold), 0, jnp.inf)
        for name in ("tau_grad", "scale_grad"):
            parameters.check_array(name, getattr(self, name), self.shared_param)
            check.positive(name, parameters.numbers(getattr(self, name)))
        check.choice("bias_param", self.bias_param, (True, False, "neuron"))
        activations.function(self.activation)

    @property
    def main_output(self) -> str:
        """Name of the output that goes on to the next layer."""
        return "activation" if self.readout else "spike"

    @property
    def inner_neuron(self) -> base.Neuron | None:
        """The neuron that is wrapped, if it is one."""
        return self.activation if isinstance(self.activation, base.Neuron) else None

    @property
    def activation_name(self) -> str:
        """Name of the activation, as the network file has it."""
        return activations.name_of(self.activation)

    @property
    def complex_input(self) -> bool:
        """True if the wrapped neuron takes a pair; both parts are then summed up."""
        inner = self.inner_neuron
        return inner is not None and inner.complex_input and not self.encoder

    def sigma(self) -> sigma_delta.Sigma:
        """The decoder."""
        return sigma_delta.Sigma(("real", "imag") if self.complex_input else ())

    def delta(self) -> sigma_delta.Delta:
        """The encoder."""
        tau, scale = parameters.row(self.tau_grad), parameters.row(self.scale_grad)
        return sigma_delta.Delta(self.s_scale, tau, scale, self.cum_error)

    def dynamics(self) -> Dynamics:
        """The record that runs, or of several (see `integrate`) one with the state of all."""
        if self.encoder:
            return self.delta()
        wrapped = "identity" if self.inner_neuron else self.activation
        return sigma_delta.SigmaDelta(
            self.delta(),
            activations.function(wrapped),
            self.wants_traces(),
            self.readout,
            self.sigma(),
        )

    def dynamics_params(self, x: jax.Array) -> dict[str, jax.Array]:
        """Declares threshold and bias and returns them as the dynamics read them."""
        params = {} if self.encoder else {"bias": jnp.zeros((), jnp.float32)}
        if self.bias is not None:
            parameters.check_spread("bias", self.bias, self.bias_param, -jnp.inf, jnp.inf)
            shape = parameters.shape_of(self.bias_param, x)
            init = parameters.draw(self.bias, jitter=False)
            swept = parameters.is_swept(self.bias, drawn=False)
            bias = parameters.parameter(
                self, "bias", init, shape, learned=self.requires_grad, swept=swept
            )
            params["bias"] = parameters.channel_last(bias)
        if self.readout:
            return params
        shape = parameters.shape_of(self.shared_param, x)
        first = fixed_point.on_weight_grid(parameters.numbers(self.threshold), self.scale)
        stored = parameters.parameter(
            self,
            "threshold",
            parameters.draw(first, jitter=False),
            shape,
            learned=self.requires_grad,
            swept=parameters.is_swept(first, drawn=False),
        )
        params["threshold"] = parameters.channel_last(self.clamped(stored))
        return params

    def clamped(self, threshold: jax.Array) -> jax.Array:
        """Thresholds in range, with gradient 1 outside as well."""
        return fixed_point.clamp(threshold, 1 / self.s_scale, jnp.inf)

    def normed_drive(self, x: Tree, train: bool) -> Tree:
        """The drive itself: the norm acts on the sum."""
        del train
        return x

    def integrate(
        self,
        params: Mapping[str, jax.Array],
        state: Tree | None,
        x: Tree,
        train: bool,
        run: persistence.Run,
    ) -> tuple[Tree, Tree]:
        """In one pass, or in three around a norm or a wrapped neuron."""
        if self.encoder or (self.norm is None and self.inner_neuron is None):
            return super().integrate(params, state, x, train, run)
        part = lambda names: None if state is None else {name: state[name] for name in names}
        sigma = self.sigma()
        sums, last = run(sigma, {}, part(sigma.names), x)
        normed = super().normed_drive(sigma.together(sums), train)
        active = jax.tree.map(lambda total: total + params["bias"], normed)
        if self.inner_neuron is None:
            active = activations.function(self.activation)(active)
        else:
            inner = self.inner_neuron.clone(
                persistent_state=self.persistent_state, parent=self, name="activation_neuron"
            )
            active = inner.time_first(active, train=train)
        outputs = {name.replace("sum", "sigma"): total for name, total in sums.items()}
        outputs["activation"] = active
        if self.readout:
            return outputs, last
        names = ("previous", "residual", "error")
        events, after = run(self.delta(), {"threshold": params["threshold"]}, part(names), active)
        return {**outputs, **events}, {**last, **after}

    @property
    def p_scale(self) -> int:
        """There is no decay; always 1."""
        return 1

    @property
    def v_th_mant(self) -> int | jax.Array:
        """First threshold in integer weights."""
        return fixed_point.whole_weights(parameters.numbers(self.threshold), self.scale)

    def mantissa(self, name: str, variables: Mapping[str, Any]) -> Any:
        """The threshold in integer weights: an integer, or one per channel."""
        stored = parameters.find(variables, name)
        if stored is None:
            return parameters.whole(self.v_th_mant)
        value = self.clamped(jnp.asarray(stored))
        return parameters.whole(fixed_point.whole_steps(value, 1 / self.scale))

    def device_params(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What the network file says of this neuron, given its variables."""
        return {
            "type": "SDNN",
            "activation": self.activation_name,
            "vThMant": self.mantissa("threshold", variables),
        }
