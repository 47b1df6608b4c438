"""The start of a training on several processes, on one machine or many."""

import contextlib
import importlib.metadata
import platform
import zlib
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh

from jslayer.io import first
from jslayer.io.text import shown
from jslayer.ops import check
from jslayer.training.lost import Guard
from jslayer.training.processes import agree, begin_together, count, number
from jslayer.training.sharding import data_mesh

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
_LIBRARY = Path(__file__).resolve().parent.parent
_guard: Guard | None = None


def distributed(
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
    *,
    heartbeat_s: int = 60,
    **options: Any,
) -> Mesh:
    """Begins a training on several processes; returns the mesh of all of their devices.

    Every process calls it once, before anything else of JAX computes. What JAX detects by itself
    (SLURM, Open MPI, Kubernetes, TPU pods) needs no argument. Versions of Python and packages must
    be the same everywhere.

    From here on `data_mesh` holds the devices of all processes; `replicate`, `shard` and
    `shard_batch` lay out over them; and what a run writes for all (`LearningStats`, progress,
    `CSVWriter`, `TensorBoardWriter`, `save_checkpoint`, the network file) is written by process 0
    alone.

    A process that dies, or whose machine does, ends the others: at once where they are in a
    collective operation that notices, within ``heartbeat_s`` in any case. Each says so in a
    sentence, and ends with exit code 3, or that of an abort.

    Args:
      coordinator: ``"host:port"`` of process 0: an address under which the others find it.
      processes: How many there are.
      process: Number of this one, from 0.
      heartbeat_s: Seconds of silence after which a process counts as dead.
      **options: Others of ``jax.distributed.initialize``, such as ``local_device_ids``.

    Returns:
      The mesh, as `data_mesh` makes it.

    Raises:
      RuntimeError: JAX has computed already, or the others did not come.
      ValueError: Nothing was detected and not all arguments are given, a number is out of range,
        or versions differ.

    Example:
      ``mesh = distributed("10.0.0.1:1234", processes=2, process=int(os.environ["RANK"]))``
    """
    global _guard
    check.whole("heartbeat_s", heartbeat_s)
    if not jax.distributed.is_initialized():
        _initialize(coordinator, processes, process, int(heartbeat_s), options)
    if _guard is None:
        _guard = Guard(number(), count())
    first.leave_to_first(number() == 0)
    begin_together()
    agree("versions", _versions())
    return data_mesh()


def _initialize(coordinator, processes, process, heartbeat_s, options):
    given = {"coordinator": coordinator, "processes": processes, "process": process}
    if process is not None and processes is not None and not 0 <= process < processes:
        raise ValueError(
            f"`process` is {process} of {processes} `processes`, expected 0 to {processes - 1}; "
            "number them from 0."
        )
    if coordinator is not None and not coordinator.rpartition(":")[2].isdigit():
        raise ValueError(
            f"`coordinator` is {coordinator!r}, expected host:port of process 0, such as "
            "10.0.0.1:1234; append a port that is free there."
        )
    try:
        jax.distributed.initialize(
            coordinator, processes, process, heartbeat_timeout_seconds=heartbeat_s, **options
        )
    except ValueError as error:
        missing = [name for name, value in given.items() if value is None]
        if not missing:
            raise
        raise ValueError(
            f"`{'`, `'.join(missing)}` are not given, and JAX detects no cluster here "
            f"({shown(error)}), expected SLURM, Open MPI, Kubernetes or a TPU pod; pass "
            "coordinator, processes and process."
        ) from error
    except RuntimeError as error:
        if "before any JAX calls" not in str(error):
            raise
        raise RuntimeError(
            "JAX has computed already, expected `distributed` before anything that uses a device; "
            "call it first in the program."
        ) from error


def guard() -> Guard | None:
    """What watches over this process, once `distributed` has begun."""
    return _guard


def _versions() -> dict[str, str]:
    """Of all that computes; this library's is a checksum, as two checkouts may share a number."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    checksum = 0
    for file in sorted(_LIBRARY.rglob("*.py")):
        checksum = zlib.crc32(file.read_bytes(), checksum)
    return found | {"jslayer's source": f"{checksum:08x}"}
