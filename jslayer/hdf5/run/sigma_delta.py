"""Sigma-delta neurons of the hardware.

The recurrence of training, `jslayer.ops.SigmaDelta`, works on float32, whose 24 bits are fewer than
these states have; so it stands here in int32.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np

from jslayer.hdf5.records import Neuron
from jslayer.hdf5.run.model import Arrays, Drive, Model


@dataclasses.dataclass(frozen=True)
class SigmaDelta(Model):
    """Sigma-delta neuron: ``act = max(sigma + bias, 0)``, sends its change.

    Attributes:
      spike_exp: Bits of a message behind the point of a weight: one is ``64 << spike_exp``.
      state_exp: Bits of a state behind the point of a message.
      part: ``hidden``; ``input`` takes data for ``act`` and only sends changes; ``output`` sends
        the running sum; ``readout`` sends ``act``, which only we do.
      rectified: The activation is relu, else none.
    """

    outputs = ("spike", "sigma", "activation")
    graded = True
    largest = 2**18

    spike_exp: int = 6
    state_exp: int = 6
    part: str = "hidden"
    rectified: bool = True

    @property
    def states(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of its states."""
        sums_only = self.part in ("output", "readout")
        return ("sigma",) if sums_only else ("sigma", "activation", "residue")

    def constants(self, neuron: Neuron, bias: np.ndarray) -> dict[str, np.ndarray]:
        """Integers that a step reads."""
        if self.part == "output":
            return {}
        one = 2 ** (self.spike_exp + self.state_exp)
        return {"bias": bias * one, "level": neuron.threshold * one}

    def step(self, constants: Arrays, state: Arrays, drive: Drive) -> tuple[Arrays, Arrays]:
        """One time step."""
        if self.part == "input":
            sigma = state["sigma"]
            active = drive[0] << (self.spike_exp + self.state_exp)
        else:
            sigma = state["sigma"] + drive[0]
            if self.part == "output":
                return {"sigma": sigma}, {"spike": sigma, "sigma": sigma, "activation": sigma}
            active = sigma + constants["bias"]
            active = jnp.maximum(active, 0) if self.rectified else active
            if self.part == "readout":
                return {"sigma": sigma}, {"spike": active, "sigma": sigma, "activation": active}
        change = active - state["activation"] + state["residue"]
        sent = jnp.where(jnp.abs(change) >= constants["level"], change, 0)
        after = {"sigma": sigma, "activation": active, "residue": change - sent}
        message = sent >> self.state_exp
        return after, {"spike": message, "sigma": sigma, "activation": active}
