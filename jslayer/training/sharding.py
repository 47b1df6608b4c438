"""Data parallelism on one host: the same jitted step on all of its devices."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

AXIS = "batch"
"""Name of the mesh axis over which a batch is split."""


def data_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """A mesh with one axis, ``"batch"``.

    Args:
      devices: Which; all local ones if ``None``.
    """
    devices = jax.local_devices() if devices is None else list(devices)
    return Mesh(np.array(devices), (AXIS,), axis_types=(AxisType.Auto,))


def replicate(tree: Any, mesh: Mesh | None = None) -> Any:
    """Puts a copy of every array of a nest on every device."""
    mesh = data_mesh() if mesh is None else mesh
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def shard_batch(batch: Any, mesh: Mesh | None = None) -> Any:
    """Splits the first axis of every array of a nest over the devices.

    Args:
      batch: Arrays ``[N, ...]`` (numbers are copied); N is a multiple of the devices.
      mesh: What `data_mesh` returned; all local devices if ``None``.

    Raises:
      ValueError: N is no multiple of the number of devices.
    """
    mesh = data_mesh() if mesh is None else mesh

    def put(leaf):
        spec = PartitionSpec(AXIS) if np.ndim(leaf) else PartitionSpec()
        if np.ndim(leaf) and np.shape(leaf)[0] % mesh.size:
            raise ValueError(
                f"`batch` has {np.shape(leaf)[0]} samples for {mesh.size} devices, expected a "
                "multiple; choose another batch size, or leave out the last, smaller batch."
            )
        return jax.device_put(leaf, NamedSharding(mesh, spec))

    return jax.tree.map(put, batch)


def shard(state: Any, batch: Any, *, devices: Sequence[jax.Device] | None = None) -> Any:
    """Lays a training state and a batch out for data parallelism; nothing else changes.

    The state is copied to every device, the batch is split along its first axis. `jax.jit` follows
    this layout: each device runs its samples, and gradients and batch statistics are summed over
    all. A state that came from a step is laid out already; then only batches need `shard_batch`.

    Args:
      state: A `TrainState`, or any nest of arrays.
      batch: A nest of arrays ``[N, ...]``, e.g. ``(x, label)``.
      devices: Which; all local ones if ``None``.

    Returns:
      State and batch.

    Raises:
      ValueError: N is no multiple of the number of devices.

    Example:
      >>> import jax.numpy as jnp
      >>> state, (x, label) = shard({"weight": jnp.ones(3)}, (jnp.ones((8, 3)), jnp.ones(8)))
      >>> tuple(x.sharding.spec)
      ('batch',)
    """
    mesh = data_mesh(devices)
    return replicate(state, mesh), shard_batch(batch, mesh)
