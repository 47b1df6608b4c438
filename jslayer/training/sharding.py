"""Data parallelism: the same jitted step on all devices, of one process or of several."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jslayer.training import processes

AXIS = "batch"
"""Name of the mesh axis over which a batch is split."""


def data_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """A mesh with one axis, ``"batch"``.

    Args:
      devices: Which; if ``None`` all, of all processes, those of a process side by side.
    """
    if devices is None:
        devices = sorted(jax.devices(), key=lambda device: device.process_index)
    return Mesh(np.array(list(devices)), (AXIS,), axis_types=(AxisType.Auto,))


class BatchSharding:
    """Who reads which samples of a batch, and where they go.

    Each device takes an equal part of a batch, in its order, and each process reads what its own
    devices take. So a batch is the same, sample by sample, whatever the number of processes. A
    batch that does not divide, such as the last of an epoch, stays whole: every process reads all
    of it, every device computes all of it, and the result is again that of one device.

    Args:
      mesh: What `data_mesh` returned; all devices if ``None``.

    Attributes:
      mesh: The mesh.
      processes: How many processes its devices belong to.

    Raises:
      ValueError: The devices of a process do not stand side by side, or this one has none.

    Example:
      >>> import jax
      >>> sharding = BatchSharding(data_mesh(jax.devices()[:1]))
      >>> sharding.rows(8)
      slice(0, 8, None)
    """

    def __init__(self, mesh: Mesh | None = None):
        self.mesh = data_mesh() if mesh is None else mesh
        owners = [device.process_index for device in self.mesh.devices.flat]
        own = [place for place, owner in enumerate(owners) if owner == jax.process_index()]
        if not own or own[-1] - own[0] + 1 != len(own):
            raise ValueError(
                f"`mesh` has devices of processes {owners}, expected those of process "
                f"{jax.process_index()} among them, side by side; use `data_mesh()`."
            )
        self.processes = len(set(owners))
        self._first, self._count = own[0], len(own)

    def divides(self, samples: int) -> bool:
        """Whether a batch of so many samples is split."""
        return samples % self.mesh.size == 0

    def rows(self, samples: int) -> slice:
        """The samples of a batch that this process reads.

        Args:
          samples: Size of the batch, over all processes.
        """
        if not self.divides(samples):
            return slice(0, samples)
        each = samples // self.mesh.size
        return slice(each * self._first, each * (self._first + self._count))

    def place(self, batch: Any, samples: int | None = None) -> Any:
        """Lays out over the devices what this process has read.

        Args:
          batch: Arrays ``[N, ...]`` of `rows`; numbers are copied.
          samples: Size of the batch over all processes; ``None``: ``batch`` is an equal part.

        Returns:
          The nest of arrays ``[samples, ...]``.

        Raises:
          ValueError: N is not what this process reads.
        """
        whole = samples is not None and not self.divides(samples)
        expected = None if samples is None else self.rows(samples)

        def put(leaf):
            shape = np.shape(leaf)
            if not shape or whole:
                return _everywhere(leaf, self.mesh)
            if expected is None and shape[0] % self._count:
                raise ValueError(
                    f"`batch` has {shape[0]} samples for {self._count} devices, expected a "
                    "multiple; choose another batch size, or leave out the last, smaller batch."
                )
            if expected is not None and shape[0] != expected.stop - expected.start:
                raise ValueError(
                    f"`batch` has {shape[0]} samples, expected {expected.stop - expected.start} of "
                    f"{samples}; take those of `rows({samples})`."
                )
            sharding = NamedSharding(self.mesh, PartitionSpec(AXIS))
            if sharding.is_fully_addressable:
                return jax.device_put(leaf, sharding)
            size = shape[0] // self._count * self.mesh.size
            return jax.make_array_from_process_local_data(
                sharding, np.asarray(leaf), (size, *shape[1:])
            )

        return jax.tree.map(put, batch)


def replicate(tree: Any, mesh: Mesh | None = None) -> Any:
    """Puts a copy of every array of a nest on every device.

    Several processes must have the same numbers, as the same seed gives; this is looked at.

    Args:
      tree: A `TrainState`, or any nest of arrays.
      mesh: What `data_mesh` returned; all devices if ``None``.

    Raises:
      ValueError: A process has another network, or an array of another shape or with other numbers.
    """
    mesh = data_mesh() if mesh is None else mesh
    if mesh.is_multi_process:
        processes.agree("training states", _fingerprint(tree))
    return jax.tree.map(lambda leaf: _everywhere(leaf, mesh), tree)


def shard_batch(batch: Any, mesh: Mesh | None = None) -> Any:
    """Splits the first axis of every array of a nest over the devices.

    Of several processes each passes its own part, an equal one; a batch of one process's is the
    same in their order. Ends of epochs that do not divide are the business of `BatchSharding`.

    Args:
      batch: Arrays ``[N, ...]`` (numbers are copied); N is a multiple of this process's devices.
      mesh: What `data_mesh` returned; all devices if ``None``.

    Raises:
      ValueError: N is no multiple of the number of devices.
    """
    return BatchSharding(mesh).place(batch)


def shard(state: Any, batch: Any, *, devices: Sequence[jax.Device] | None = None) -> Any:
    """Lays a training state and a batch out for data parallelism; nothing else changes.

    The state is copied to every device, the batch is split along its first axis. `jax.jit` follows
    this layout: each device runs its samples, and gradients and batch statistics are summed over
    all. A state that came from a step is laid out already; then only batches need `shard_batch`.

    Of several processes (see `jslayer.training.distributed`) each passes the same state and its own
    part of the batch, and so many samples as the others.

    Args:
      state: A `TrainState`, or any nest of arrays.
      batch: A nest of arrays ``[N, ...]``, e.g. ``(x, label)``.
      devices: Which; all, of all processes, if ``None``.

    Returns:
      State and batch.

    Raises:
      ValueError: N is no multiple of the number of devices, or a process has another state, or a
        batch of another size.

    Example:
      >>> import jax.numpy as jnp
      >>> state, (x, label) = shard({"weight": jnp.ones(3)}, (jnp.ones((8, 3)), jnp.ones(8)))
      >>> tuple(x.sharding.spec)
      ('batch',)
    """
    mesh = data_mesh(devices)
    if mesh.is_multi_process:
        shapes = {name: _kind(leaf) for name, leaf in _named(batch)}
        processes.agree("batches", shapes)
    return replicate(state, mesh), shard_batch(batch, mesh)


def spread(state: Any) -> Any:
    """``state``, on all devices of all processes where several train together."""
    if not processes.together() or not all(map(_is_own, jax.tree.leaves(state))):
        return state
    return replicate(state)


def spread_batch(batch: Any) -> Any:
    """``batch``, over all processes where several train together and it is not yet."""
    if not processes.together() or not all(map(_is_own, jax.tree.leaves(batch))):
        return batch
    return shard_batch(batch)


def _is_own(leaf):
    return not isinstance(leaf, jax.Array) or leaf.is_fully_addressable


def _everywhere(leaf, mesh):
    """A copy on every device."""
    sharding = NamedSharding(mesh, PartitionSpec())
    if sharding.is_fully_addressable or not _is_own(leaf):
        return jax.device_put(leaf, sharding)
    value = np.asarray(leaf)
    # not from the local data, which would be cut for an array of more than one dimension
    return jax.make_array_from_callback(value.shape, sharding, lambda index: value[index])


def _fingerprint(tree):
    """What is compared between processes: kinds and checksums of arrays, the network's text."""
    found = {}
    network = getattr(getattr(tree, "apply_fn", None), "__self__", None)
    if network is not None:
        found["network"] = _digest(re.sub(r"0x[0-9a-f]+", "", repr(network)).encode())
    for name, leaf in _named(tree):
        if _is_own(leaf):
            found[name] = f"{_kind(leaf)} {_digest(np.asarray(leaf).tobytes())}"
    return found


def _named(tree):
    found = jax.tree_util.tree_leaves_with_path(tree)
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in found]


def _kind(leaf):
    return f"{np.result_type(leaf)}{list(np.shape(leaf))}"


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:16]
