"""Current-based leaky integrate-and-fire neuron (CUBA-LIF)."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer.neuron import base, parameters
from jslayer.neuron.dropout import Dropout
from jslayer.ops import cuba, engine, fixed_point, spike
from jslayer.ops.leaky_integrator import LeakyIntegrator
from jslayer.ops.surrogate import Surrogate


class Neuron(base.Neuron):
    """Integrates its drive into a current, the current into a voltage, and spikes at a threshold.

    ``u[t] = (1 - current_decay) u[t-1] + x[t]``, ``v[t] = (1 - voltage_decay) v[t-1] + u[t]``,
    a spike where ``v[t]`` exceeds the threshold, then ``v[t] = 0``; in exact fixed point. A norm
    acts on the current, dropout on the drive.

    Attributes:
      threshold: Voltage to exceed; cut to multiples of ``1 / scale``.
      current_decay: Fraction of the current lost per step, in [0, 1].
      voltage_decay: Fraction of the voltage lost per step, in [0, 1].
      tau_grad: Width of the surrogate, relative to the threshold.
      scale_grad: Height of the surrogate.
      scale: Integer weights per threshold unit.
      norm: A norm class (or factory) that takes ``pre_hook``, or ``None``.
      dropout: A `Dropout` or its probability, or ``None``.
      shared_param: ``True``: one decay per layer, ``False``: per channel, ``"neuron"``: one each.
        Not shared, a decay may be a (min, max) pair to draw from.
      persistent_state: Carry current and voltage to the next call, in collection ``"state"``.
      requires_grad: Learn the decays.
      graded_spike: Spikes carry the voltage.
      threshold_grad: Learn the threshold too.
      surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``.
      readout: No threshold; the output is the voltage.
      implementation: Engine, see `jslayer.ops.engine.run`.

    References:
      Shrestha and Orchard, SLAYER: Spike Layer Error Reassignment in Time, 2018.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> neuron = Neuron(threshold=1.0, current_decay=1.0, voltage_decay=0.0)
      >>> x = jnp.full((1, 1, 5), 0.6)
      >>> neuron.apply({}, x)[0, 0]
      Array([0., 1., 0., 1., 0.], dtype=float32)
    """

    threshold: float
    current_decay: parameters.Spread
    voltage_decay: parameters.Spread
    tau_grad: float = 1
    scale_grad: float = 1
    scale: int = 64
    norm: Any = None
    dropout: Dropout | float | None = None
    shared_param: parameters.Granularity = True
    persistent_state: bool = False
    requires_grad: bool = False
    graded_spike: bool = False
    threshold_grad: bool = False
    surrogate: Surrogate | None = None
    readout: bool = False
    implementation: str | None = None

    @property
    def threshold_eps(self) -> float:
        """Hundredth of a state unit, so that a voltage exactly at threshold does not spike."""
        return 0.01 / self.s_scale

    @nn.compact
    def time_first(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """As ``__call__``, on ``[T, N, ..., C]``."""
        self.check_fields()
        decays = {
            "current_decay": self.decay_row("current_decay", self.current_decay, x),
            "voltage_decay": self.decay_row("voltage_decay", self.voltage_decay, x),
        }
        threshold = None if self.readout else self.threshold_row(x) + self.threshold_eps
        x = self.dropped(x, train)
        run = self._fused if self.norm is None else self._two_passes
        outputs = self.carried(
            ("current", "voltage"), x, lambda state: run(x, decays, threshold, state, train)
        )
        if self.wants_traces():
            self.sow_traces({n: v for n, v in outputs.items() if n != "spike"})
        return outputs["voltage" if self.readout else "spike"]

    def _fused(self, x, decays, threshold, state, train):
        """Current, voltage and spike in one pass."""
        del train
        dynamics = cuba.Cuba(
            s_scale=self.s_scale,
            surrogate=self.spike_surrogate(),
            graded=self.graded_spike,
            trace=self.wants_traces(),
            readout=self.readout,
        )
        params = decays if self.readout else {**decays, "threshold": threshold}
        return engine.run(dynamics, params, state, x, implementation=self.implementation)

    def _two_passes(self, x, decays, threshold, state, train):
        """Current, norm, then voltage and spike: a batch mean needs the whole current.

        The kept current is the one before the norm, so that pieces equal the whole; the reference
        keeps the one behind it.
        """
        state = state or {"current": None, "voltage": None}
        kept = lambda name: None if state[name] is None else {"y": state[name]}
        filtered = lambda name, x, params, reset: engine.run(
            LeakyIntegrator(self.s_scale, reset=reset),
            params,
            kept(name),
            x,
            implementation=self.implementation,
        )
        current, last_current = filtered("current", x, {"decay": decays["current_decay"]}, False)
        current = self.normed(current["y"], train)
        params = {"decay": decays["voltage_decay"]}
        if not self.readout:
            params["threshold"] = jax.lax.stop_gradient(threshold)
        voltage, last_voltage = filtered("voltage", current, params, not self.readout)
        outputs = {"current": current, "voltage": voltage["y"]}
        if not self.readout:
            outputs["spike"] = spike.spike(
                voltage["y"],
                threshold,
                surrogate=self.spike_surrogate(),
                graded=self.graded_spike,
            )
        return outputs, {"current": last_current["y"], "voltage": last_voltage["y"]}

    def cx_current_decay(self, variables: Mapping[str, Any]) -> Any:
        """Current decay in 1/4096, given this neuron's variables."""
        return self.integers(variables, "current_decay", self.current_decay)

    def cx_voltage_decay(self, variables: Mapping[str, Any]) -> Any:
        """Voltage decay in 1/4096, given this neuron's variables."""
        return self.integers(variables, "voltage_decay", self.voltage_decay)

    def device_params(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What the network file holds of this neuron.

        Args:
          variables: The neuron's own collections, ``{"params": ..., "constants": ...}``.

        Returns:
          Values by the file's key.
        """
        learned = parameters.find(variables, "threshold")
        mantissa = self.v_th_mant if learned is None else self._mantissa(learned)
        return {
            "type": "CUBA",
            "iDecay": self.cx_current_decay(variables),
            "vDecay": self.cx_voltage_decay(variables),
            "vThMant": mantissa,
            "refDelay": 1,
            "gradedSpike": self.graded_spike,
        }

    def _mantissa(self, threshold):
        """A learned threshold in integer weights: an integer, or one per channel."""
        threshold = fixed_point.clamp(jnp.asarray(threshold), 1 / self.scale, jnp.inf)
        steps = fixed_point.whole_steps(threshold, 1 / self.scale)
        whole = jax.device_get(steps).astype(int)
        return int(whole) if whole.ndim == 0 else whole


def neuron_params(device_params: Mapping[str, Any], scale: int = 64) -> dict[str, Any]:
    """Constructor arguments of a neuron from what a network file holds: the inverse of the file.

    Args:
      device_params: ``iDecay``, ``vDecay`` and ``vThMant``, one number each; whether spikes are
        graded is not read.
      scale: Integer weights per threshold unit that the network was trained with.

    Returns:
      ``threshold``, ``current_decay`` and ``voltage_decay``.
    """
    return {
        "threshold": device_params["vThMant"] / scale,
        "current_decay": device_params["iDecay"] / fixed_point.DECAY_SCALE,
        "voltage_decay": device_params["vDecay"] / fixed_point.DECAY_SCALE,
    }
