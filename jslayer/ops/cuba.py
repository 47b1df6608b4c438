"""Current-based leaky integrate-and-fire neuron: current, voltage and spike in one pass."""

import jax
import jax.numpy as jnp

from jslayer.ops.dynamics import Tree
from jslayer.ops.spiking import Spiking


class Cuba(Spiking):
    """Current-based leaky integrate-and-fire neuron: two leaks, reset of the voltage to zero.

    ``u[t] = (1 - current_decay) u[t-1] + x[t]``, ``v[t] = (1 - voltage_decay) v[t-1] + u[t]``,
    ``s[t] = [v[t] >= threshold]``, then ``v[t] = 0`` where it spiked. See `Spiking`.

    References:
      Davies et al., Loihi: A Neuromorphic Manycore Processor with On-Chip Learning, 2018.
    """

    def reset(self, traces: Tree, crossed: jax.Array, constants: Tree) -> Tree:
        """The voltage falls to zero."""
        del constants
        return {**traces, "voltage": jnp.where(crossed, 0, traces["voltage"])}
