"""Current-based leaky integrate-and-fire neuron (CUBA-LIF)."""

from collections.abc import Mapping

import jax

from jslayer import persistence
from jslayer.neuron import fields, parameters
from jslayer.neuron.device import neuron_params as neuron_params
from jslayer.neuron.leaks import Leaks
from jslayer.ops import cuba, spike
from jslayer.ops.dynamics import Tree
from jslayer.ops.leaky_integrator import LeakyIntegrator

__all__ = ["Neuron", "neuron_params"]


def __dir__() -> list[str]:
    return __all__


class _Own(Leaks):
    threshold: parameters.Number
    current_decay: parameters.Spread
    voltage_decay: parameters.Spread


class Neuron(fields.Extras, fields.Common, _Own):
    """Integrates its drive into a current, the current into a voltage, and spikes at a threshold.

    ``u[t] = (1 - current_decay) u[t-1] + x[t]``, ``v[t] = (1 - voltage_decay) v[t-1] + u[t]``,
    a spike where ``v[t]`` exceeds the threshold, then ``v[t] = 0``; in exact fixed point. A norm
    acts on the current, dropout on the drive.

    Attributes:
      threshold: Voltage to exceed, in units of the weights; cut to multiples of ``1 / scale``. With
        exactly 0 every positive voltage spikes, and the surrogate is as wide as of ``1 / scale``.
      current_decay: Fraction of the current lost per step, in [0, 1].
      voltage_decay: Fraction of the voltage lost per step, in [0, 1].

    The others are in `jslayer.neuron.fields`: `Common`, then `Extras`.

    References:
      Shrestha and Orchard, SLAYER: Spike Layer Error Reassignment in Time, 2018.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> neuron = Neuron(threshold=1.0, current_decay=1.0, voltage_decay=0.0)
      >>> x = jnp.full((1, 1, 5), 0.6)
      >>> neuron.apply({}, x)[0, 0]
      Array([0., 1., 0., 1., 0.], dtype=float32)
    """

    record = cuba.Cuba
    device_type = "CUBA"
    silent_at_zero = True

    @property
    def threshold_eps(self) -> float:
        """Hundredth of a state unit, so that a voltage exactly at threshold does not spike."""
        return 0.01 / self.s_scale

    def threshold_params(self, x: jax.Array) -> dict[str, jax.Array]:
        """The threshold, a little higher."""
        return {"threshold": self.level_row("threshold", x) + self.threshold_eps}

    def normed_drive(self, x: Tree, train: bool) -> Tree:
        """The drive itself: the norm acts on the current."""
        del train
        return x

    def integrate(
        self,
        params: Mapping[str, jax.Array],
        state: Tree | None,
        x: jax.Array,
        train: bool,
        run: persistence.Run,
    ) -> tuple[Tree, Tree]:
        """In one pass; with a norm in two, since a batch mean needs the whole current.

        The kept current is the one before the norm, so that pieces equal the whole; the reference
        keeps the one behind it.
        """
        if self.norm is None:
            return super().integrate(params, state, x, train, run)
        state = state or {"current": None, "voltage": None}
        kept = lambda name: None if state[name] is None else {"y": state[name]}
        filtered = lambda name, x, params, reset: run(
            LeakyIntegrator(self.s_scale, reset=reset), params, kept(name), x
        )
        current, last_current = filtered("current", x, {"decay": params["current_decay"]}, False)
        current = self.normed(current["y"], train)
        own = {"decay": params["voltage_decay"]}
        if not self.readout:
            own["threshold"] = jax.lax.stop_gradient(params["threshold"])
        voltage, last_voltage = filtered("voltage", current, own, not self.readout)
        outputs = {"current": current, "voltage": voltage["y"]}
        if not self.readout:
            outputs["spike"] = spike.spike(
                voltage["y"],
                params["threshold"],
                surrogate=self.spike_surrogate(),
                graded=self.graded_spike,
            )
        return outputs, {"current": last_current["y"], "voltage": last_voltage["y"]}
