"""What a neuron of the hardware is: one step in integers.

States have 6 bits more than weights. A current wraps at 24 bits, voltages and complex states are
clipped to +-(2^23 - 1). One step takes integers and gives integers: ``[..., C]`` int32, with
numbers per layer or per channel. Outputs hold what is sent (``spike``) and the states behind it.
"""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.hdf5.records import Neuron
from jslayer.ops.fixed_point import DECAY_SCALE, STATE_PER_WEIGHT

Arrays = Mapping[str, jax.Array]
"""int32 arrays by name."""

Drive = tuple[jax.Array, ...]
"""Sum of the synapse; real and imaginary part of complex neurons."""

LIMIT = 2**23 - 1
"""Largest state."""


def saturate(value: jax.Array) -> jax.Array:
    """Clips to the range of a state."""
    return jnp.clip(value, -LIMIT, LIMIT)


@dataclasses.dataclass(frozen=True)
class Model:
    """A neuron of the hardware.

    Attributes:
      states: Names of its states, zero at rest.
      outputs: Names of what a step gives.
      graded: It sends numbers, not events.
      largest: Largest number that an input layer takes.
    """

    states: ClassVar[tuple[str, ...]] = ()
    outputs: ClassVar[tuple[str, ...]] = ("spike",)
    graded: ClassVar[bool] = False
    largest: ClassVar[int] = 2**17

    def constants(self, neuron: Neuron, bias: np.ndarray) -> dict[str, np.ndarray]:
        """Integers that a step reads, int32."""
        raise NotImplementedError

    def step(self, constants: Arrays, state: Arrays, drive: Drive) -> tuple[Arrays, Arrays]:
        """One time step: ``(state before, sum) -> (state after, outputs)``."""
        raise NotImplementedError


def adaptation(neuron: Neuron) -> dict[str, np.ndarray]:
    """Integers of an adaptive threshold, see `jslayer.ops.adaptive_threshold`."""
    return {
        "rest": neuron.threshold * STATE_PER_WEIGHT,
        "jump": neuron.threshold_step * STATE_PER_WEIGHT,
        "keep_threshold": DECAY_SCALE - neuron.threshold_decay,
        "keep_refractory": DECAY_SCALE - neuron.refractory_decay,
    }


def adapted_outputs(constants: Arrays, adapted: Arrays, spike: jax.Array, traces: Arrays) -> Arrays:
    """Threshold and refraction of this step, before they jump."""
    threshold = adapted["adaptation"] + constants["rest"]
    adaptive = {"threshold": threshold, "refractory": adapted["refractory"]}
    return {"spike": spike.astype(jnp.int32), **traces, **adaptive}
