"""Ensembles: many networks of one kind trained at once, each device some of them."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXIS = "network"
"""Name of the mesh axis over which networks are split."""


def shard_networks(states: Any, *, devices: Sequence[jax.Device] | None = None) -> Any:
    """Splits networks over devices, which then train them without a word to each other.

    Batches need no layout: a NumPy array that is given to a jitted step goes to every device. Of
    several processes each passes the same states and the same batches.

    Args:
      states: A nest of arrays ``[networks, ...]``, such as the `TrainState` that `jax.vmap` makes.
      devices: Which; all, of all processes, if ``None``.

    Returns:
      The nest, split along its first axis.

    Raises:
      ValueError: The number of networks is no multiple of the number of devices.

    Example:
      >>> import jax.numpy as jnp
      >>> states = shard_networks({"weight": jnp.ones((4, 3))})
      >>> tuple(states["weight"].sharding.spec)
      ('network',)
    """
    devices = jax.devices() if devices is None else list(devices)
    mesh = Mesh(np.array(devices), (AXIS,), axis_types=(AxisType.Auto,))
    sharding = NamedSharding(mesh, PartitionSpec(AXIS))

    def put(leaf):
        shape = np.shape(leaf)
        if not shape or shape[0] % mesh.size:
            raise ValueError(
                f"`states` has an array of shape {shape} for {mesh.size} devices, expected "
                "[networks, ...] with a multiple of them; make states by `jax.vmap`, or choose "
                "another number of networks."
            )
        if sharding.is_fully_addressable:
            return jax.device_put(leaf, sharding)
        value = np.asarray(leaf)
        return jax.make_array_from_callback(shape, sharding, lambda index: value[index])

    return jax.tree.map(put, states)
