"""Options of a command that trains on several processes, and how these begin and end."""

import argparse
import sys
from typing import Any

import jax

from jslayer import training
from jslayer.training import processes
from jslayer.training.lost import LOST, is_loss, sentence
from jslayer.training.start import guard


def add_options(found: argparse.ArgumentParser) -> None:
    """Adds the options."""
    group = found.add_argument_group("several processes, each started with the same command")
    group.add_argument(
        "--distributed",
        action="store_true",
        help="find the others by SLURM, Open MPI, Kubernetes or a TPU pod",
    )
    group.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 is")
    group.add_argument("--processes", type=int, metavar="P", help="how many there are")
    group.add_argument("--process", type=int, metavar="I", help="number of this one, from 0")
    group.add_argument(
        "--heartbeat",
        type=int,
        metavar="SECONDS",
        default=60,
        help="of silence after which a process counts as dead (60)",
    )


def several(options: argparse.Namespace) -> bool:
    """Whether a user asks for several processes.

    Raises:
      ValueError: Options lack one another, or a number is out of range.
    """
    given = {name: getattr(options, name) for name in ("coordinator", "processes", "process")}
    missing = [f"--{name}" for name, value in given.items() if value is None]
    if 0 < len(missing) < 3 and not options.distributed:
        raise ValueError(
            f"`{missing[0]}` is not given, expected --coordinator, --processes and --process "
            "together; pass all three, or --distributed."
        )
    if options.heartbeat < 1:
        raise ValueError(
            f"`--heartbeat` is {options.heartbeat}, expected at least 1; pass such as 60."
        )
    if not (options.distributed or not missing):
        return False
    if options.devices is not None:
        raise ValueError(
            f"`--devices` is {options.devices}, expected nothing with several processes, which use "
            "all of their devices; leave it out."
        )
    if options.data in ("balance", "detection"):
        raise ValueError(
            f"`--data` is {options.data}, which runs in one process; leave out --distributed and "
            "--coordinator."
        )
    return True


def begin(options: argparse.Namespace) -> training.BatchSharding | None:
    """Begins the processes, or lays out over the devices of this one; ``None`` for one device.

    Raises:
      ValueError: The options do not go together, or JAX sees fewer devices.
    """
    if several(options):
        # JAX would keep the process alive after the signal by which schedulers end it
        jax.config.update("jax_enable_preemption_service", False)
        given = (options.coordinator, options.processes, options.process)
        mesh = training.distributed(*given, heartbeat_s=options.heartbeat)
        say(f"{processes.count()} processes, {mesh.size} devices")
        return training.BatchSharding(mesh)
    wanted, there = options.devices or 1, jax.local_devices()
    if wanted > len(there):
        raise ValueError(
            f"`--devices` is {wanted}, but JAX sees {len(there)}, expected at most as many; "
            "pass fewer."
        )
    return None if wanted == 1 else training.BatchSharding(training.data_mesh(there[:wanted]))


def say(*words: Any) -> None:
    """Prints a line, in the first process alone."""
    if processes.number() == 0:
        print(*words, flush=True)


def is_lost(error: BaseException) -> bool:
    """Whether an error comes from another process."""
    if processes.count() == 1:
        return False
    return isinstance(error, training.OtherProcessError) or is_loss(error)


def tell_lost(error: BaseException) -> int:
    """Says that another process is gone; returns the exit code."""
    if isinstance(error, training.OtherProcessError):
        said = str(error)
    else:
        said = sentence(processes.number(), processes.count())
        print(f"note: {' '.join(str(error).split())[:200]}", file=sys.stderr)
    print(f"error: {said}", file=sys.stderr)
    return LOST


def left(code: int) -> int:
    """``code``; of several processes one that failed ends here, as the others wait for it."""
    watch = guard()
    if code and watch is not None:
        watch.leave(code)
    return code
