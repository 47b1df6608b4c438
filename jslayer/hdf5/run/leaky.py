"""Leaky neurons of the hardware, with fixed or adaptive threshold: cuba and alif."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from jslayer.hdf5.records import Neuron
from jslayer.hdf5.run.model import Arrays, Drive, Model, adaptation, adapted_outputs, saturate
from jslayer.hdf5.run.synapses import wrap
from jslayer.ops.adaptive_threshold import crosses, decay_adaptation, jump_adaptation
from jslayer.ops.fixed_point import DECAY_SCALE, STATE_PER_WEIGHT
from jslayer.ops.leaky_integrator import leak


@dataclasses.dataclass(frozen=True)
class Cuba(Model):
    """Current-based leaky integrate-and-fire neuron.

    ``u = dec(u, 4096 - iDecay) + 64 a``, ``v = dec(v, 4096 - vDecay) + u + 64 bias``,
    ``s = v > 64 vThMant``, then ``v = 0`` where it spiked.

    Attributes:
      is_input: The sum is data that enter as a bias, as the first layer of the hardware does.
    """

    states = ("current", "voltage")
    outputs = ("spike", "current", "voltage")

    is_input: bool = False

    def constants(self, neuron: Neuron, bias: np.ndarray) -> dict[str, np.ndarray]:
        """Integers that a step reads."""
        return {
            "keep_current": DECAY_SCALE - neuron.current_decay,
            "keep_voltage": DECAY_SCALE - neuron.voltage_decay,
            "level": neuron.threshold * STATE_PER_WEIGHT,
            "bias": bias * STATE_PER_WEIGHT,
        }

    def step(self, constants: Arrays, state: Arrays, drive: Drive) -> tuple[Arrays, Arrays]:
        """One time step."""
        driven, bias = drive[0] * STATE_PER_WEIGHT, constants["bias"]
        if self.is_input:
            driven, bias = jnp.zeros_like(driven), driven
        current = wrap(leak(state["current"], constants["keep_current"], driven))
        voltage = saturate(leak(state["voltage"], constants["keep_voltage"], current + bias))
        spike = voltage > constants["level"]
        after = {"current": current, "voltage": jnp.where(spike, 0, voltage)}
        return after, {"spike": spike.astype(jnp.int32), **after}


@dataclasses.dataclass(frozen=True)
class Alif(Model):
    """Adaptive leaky integrate-and-fire neuron; its bias enters the current."""

    states = ("current", "voltage", "adaptation", "refractory")
    outputs = ("spike", "current", "voltage", "threshold", "refractory")

    def constants(self, neuron: Neuron, bias: np.ndarray) -> dict[str, np.ndarray]:
        """Integers that a step reads."""
        return {
            "keep_current": DECAY_SCALE - neuron.current_decay,
            "keep_voltage": DECAY_SCALE - neuron.voltage_decay,
            "bias": bias * STATE_PER_WEIGHT,
            **adaptation(neuron),
        }

    def step(self, constants: Arrays, state: Arrays, drive: Drive) -> tuple[Arrays, Arrays]:
        """One time step."""
        driven = drive[0] * STATE_PER_WEIGHT + constants["bias"]
        current = wrap(leak(state["current"], constants["keep_current"], driven))
        voltage = saturate(leak(state["voltage"], constants["keep_voltage"], current))
        adapted = decay_adaptation(constants, state)
        spike = crosses(constants, adapted, voltage)
        traces = {"current": current, "voltage": voltage}
        after = {**traces, **jump_adaptation(constants, adapted, spike)}
        return after, adapted_outputs(constants, adapted, spike, traces)
