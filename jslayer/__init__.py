"""jslayer trains deep event-based (spiking) networks in JAX: a functional SLAYER.

Example:
  >>> import jax, jax.numpy as jnp
  >>> import jslayer as slayer
  >>> neuron = dict(threshold=1.25, current_decay=0.25, voltage_decay=0.03)
  >>> network = slayer.Sequential([slayer.block.cuba.Dense(neuron, 3, 2)])
  >>> variables = network.init(jax.random.key(0), jnp.ones((1, 3, 10)))
  >>> network.apply(variables, jnp.ones((1, 3, 10))).shape
  (1, 2, 10)
"""

from jslayer import axon as axon
from jslayer import block as block
from jslayer import classifier as classifier
from jslayer import datasets as datasets
from jslayer import dendrite as dendrite
from jslayer import hdf5 as hdf5
from jslayer import io as io
from jslayer import loss as loss
from jslayer import migrate as migrate
from jslayer import neuron as neuron
from jslayer import nir as nir
from jslayer import obd as obd
from jslayer import ops as ops
from jslayer import spike as spike
from jslayer import synapse as synapse
from jslayer import training as training
from jslayer import utils as utils
from jslayer._old_names import tell as _tell
from jslayer.block import Sequential as Sequential
from jslayer.block import event_rates as event_rates

__all__ = [
    "Sequential",
    "axon",
    "block",
    "classifier",
    "datasets",
    "dendrite",
    "event_rates",
    "hdf5",
    "io",
    "loss",
    "migrate",
    "neuron",
    "nir",
    "obd",
    "ops",
    "spike",
    "synapse",
    "training",
    "utils",
]
__version__ = "0.2.0"


def __dir__() -> list[str]:
    return [*__all__, "__version__", "__doc__"]


_tell(__name__)
