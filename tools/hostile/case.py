"""What a case is, and how one is run and measured."""

import contextlib
import dataclasses
import json
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

Read = Callable[[], object]

LONGEST_MESSAGE = 800
"""Characters of an error, without the name of the folder."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A hostile file and a call that meets it.

    Attributes:
      make: Makes what is needed in a folder; returns the call.
      outcome: Name of the exception that is due, or ``read``.
      seconds: Longest time of the call.
      megabytes: Most memory of the call.
      is_quick: Made and met in less than a second.
    """

    make: Callable[[Path], Read]
    outcome: str = "NetworkFileError"
    seconds: float = 5.0
    megabytes: float = 400.0
    is_quick: bool = True


@dataclasses.dataclass
class Found:
    """What happened.

    Attributes:
      outcome: Name of the exception, or ``read``.
      message: Its text, without the name of the folder.
      seconds: Time of the call.
      megabytes: Memory by which the process grew.
    """

    outcome: str
    message: str
    seconds: float
    megabytes: float

    def faults(self, case: Case) -> list[str]:
        """What is not as it should be."""
        found = []
        if self.outcome != case.outcome:
            found.append(f"expected {case.outcome}")
        if self.seconds > case.seconds:
            found.append("too slow")
        if self.megabytes > case.megabytes:
            found.append("too large")
        if len(self.message) > LONGEST_MESSAGE or not self.message.isprintable():
            found.append("a flood")
        return found


def met(case: Case, folder: Path) -> Found:
    """Makes the file of a case and reads it, in this process."""
    call = case.make(folder)
    before, start = _peak(), time.perf_counter()
    try:
        call()
        outcome, message = "read", ""
    except Exception as error:
        outcome, message = type(error).__name__, str(error).replace(str(folder), "")
    seconds = time.perf_counter() - start
    return Found(outcome, message, seconds, (_peak(reset=False) - before) / 2**20)


def _peak(*, reset: bool = True) -> int:
    """Most memory that the process has had, counted anew where the system can."""
    if reset:
        with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    with contextlib.suppress(OSError), open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def as_line(found: Found) -> str:
    """What happened, as a line of JSON."""
    return json.dumps(dataclasses.asdict(found))


def limit_process(gigabytes: int) -> None:
    """Bounds what this process may map, should a case go wrong."""
    size = gigabytes * 2**30
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
