"""Neurons whose membrane is two leaky integrators: what cuba and alif share."""

from collections.abc import Mapping
from typing import Any

import jax

from jslayer.neuron.spiking import Spiking


class Leaks(Spiking):
    """Base of the neurons with fields ``current_decay`` and ``voltage_decay``."""

    def membrane_params(self, x: jax.Array) -> dict[str, jax.Array]:
        """Both decays."""
        return {
            "current_decay": self.decay_row("current_decay", x),
            "voltage_decay": self.decay_row("voltage_decay", x),
        }

    def cx_current_decay(self, variables: Mapping[str, Any]) -> Any:
        """Current decay in 1/4096, given this neuron's variables."""
        return self.integers(variables, "current_decay", self.current_decay)

    def cx_voltage_decay(self, variables: Mapping[str, Any]) -> Any:
        """Voltage decay in 1/4096, given this neuron's variables."""
        return self.integers(variables, "voltage_decay", self.voltage_decay)

    @property
    def ref_delay(self) -> int:
        """Refractory steps of the hardware neuron, always 1."""
        return 1

    def membrane_integers(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Decays by the network file's keys."""
        return {
            "iDecay": self.cx_current_decay(variables),
            "vDecay": self.cx_voltage_decay(variables),
            "refDelay": self.ref_delay,
        }
