"""Resonate-and-fire neurons of the hardware, with fixed or adaptive threshold."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from jslayer.hdf5.records import Neuron
from jslayer.hdf5.run.model import Arrays, Drive, Model, adaptation, adapted_outputs, saturate
from jslayer.ops.adaptive_threshold import crosses, decay_adaptation, jump_adaptation
from jslayer.ops.fixed_point import STATE_PER_WEIGHT
from jslayer.ops.resonator import izhikevich_reset, rotate


@dataclasses.dataclass(frozen=True)
class ResonateAndFire(Model):
    """Resonate-and-fire neuron.

    Attributes:
      phase: Spikes at phase zero where the real part has reached the threshold; otherwise where
        the imaginary part reaches it, with Izhikevich's reset.
    """

    states = ("real", "imag")
    outputs = ("spike", "real", "imag")

    phase: bool = True

    def constants(self, neuron: Neuron, bias: np.ndarray) -> dict[str, np.ndarray]:
        """Integers that a step reads."""
        del bias
        return {
            "sin": neuron.sin_decay,
            "cos": neuron.cos_decay,
            "level": neuron.threshold * STATE_PER_WEIGHT,
        }

    def step(self, constants: Arrays, state: Arrays, drive: Drive) -> tuple[Arrays, Arrays]:
        """One time step."""
        now = _rotated(constants, state, drive)
        if self.phase:
            spike = (now["real"] >= constants["level"]) & _upward(state, now)
            return now, {"spike": spike.astype(jnp.int32), **now}
        spike = now["imag"] >= constants["level"]
        after = izhikevich_reset(now, spike, constants["level"])
        return after, {"spike": spike.astype(jnp.int32), **after}


@dataclasses.dataclass(frozen=True)
class AdaptiveResonateAndFire(Model):
    """Resonate-and-fire neuron with an adaptive threshold and no reset.

    Attributes:
      phase: Compares the real part, at phase zero; otherwise the imaginary part.
    """

    states = ("real", "imag", "adaptation", "refractory")
    outputs = ("spike", "real", "imag", "threshold", "refractory")

    phase: bool = True

    def constants(self, neuron: Neuron, bias: np.ndarray) -> dict[str, np.ndarray]:
        """Integers that a step reads."""
        del bias
        return {"sin": neuron.sin_decay, "cos": neuron.cos_decay, **adaptation(neuron)}

    def step(self, constants: Arrays, state: Arrays, drive: Drive) -> tuple[Arrays, Arrays]:
        """One time step."""
        now = _rotated(constants, state, drive)
        adapted = decay_adaptation(constants, state)
        spike = crosses(constants, adapted, now["real" if self.phase else "imag"])
        if self.phase:
            spike = spike & _upward(state, now)
        after = {**now, **jump_adaptation(constants, adapted, spike)}
        return after, adapted_outputs(constants, adapted, spike, now)


def _rotated(constants, state, drive):
    """The complex state after one step; data of an input layer drive both parts alike."""
    real, imag = drive if len(drive) == 2 else (drive[0], drive[0])
    driven = {"real": real * STATE_PER_WEIGHT, "imag": imag * STATE_PER_WEIGHT}
    now = rotate(state, constants["sin"], constants["cos"], driven)
    return {name: saturate(value) for name, value in now.items()}


def _upward(state, now):
    """True where the imaginary part has just left the negative numbers."""
    return (now["imag"] >= 0) & (state["imag"] < 0)
