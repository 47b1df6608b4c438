"""A process that does one library's work when told to, and says how long it took.

It reads a request per line and writes an answer per line, JSON both. Standard library only: it runs
under the peer's own interpreter.
"""

import gc
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Sizes = Mapping[str, Any]
Make = Callable[[Sizes], tuple[str, Mapping[str, Callable[[], Any]]]]
"""Sizes to the versions in use and the calls by name; a call returns when its work is done."""

CUBA, LIF, LAYER = "CUBA neurons", "LIF neurons", "dense layer and LIF neurons"
RECURRENT, KWTA = "recurrent block of CUBA neurons", "k winners take all block of CUBA neurons"
SMALL = "small recurrent block of CUBA neurons"
STEP = "N-MNIST training step"
SMALL_SIZES = (8, 64)
"""Samples and neurons of a block whose products take little time."""
FORWARD, BOTH = "forward", "forward + backward"


DENSITY = 0.0068
"""Share of a recording's places and steps that hold an event, as in N-MNIST."""
TRUE_RATE, FALSE_RATE = 0.2, 0.03
"""Spikes a step that the last layer shall give."""


def winners(neurons: int) -> int:
    """How many of them win."""
    return max(1, neurons // 32)


def when_called(make: Callable[[], Callable[[], Any]]) -> Callable[[], Any]:
    """The call that ``make`` gives, made at its first use."""
    made: list[Callable[[], Any]] = []

    def call() -> Any:
        if not made:
            made.append(make())
        return made[0]()

    return call


def serve(make: Make) -> None:
    """Answers until the input ends; the sizes are the first argument."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answers

    def answer(**found: Any) -> None:
        print(json.dumps(found), file=answers, flush=True)

    try:
        version, calls = make(json.loads(sys.argv[1]))
    except Exception as error:
        answer(error=f"{type(error).__name__}: {error}".splitlines()[0])
        return
    answer(version=version, cases=list(calls))
    for line in sys.stdin:
        request = json.loads(line)
        measure = {"time": seconds, "memory": peak_mib}[request["what"]]
        try:
            answer(found=measure(calls[request["case"]]))
        except Exception as error:
            answer(error=f"{type(error).__name__}: {error}".splitlines()[0])


def seconds(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak_mib(call: Callable[[], Any]) -> float | None:
    """Resident memory at its highest during a call, above that before it; Linux knows it."""
    call()  # a first call compiles, and that takes memory too
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    before = _status("VmRSS")
    call()
    return (_status("VmHWM") - before) / 1024


def _status(name):
    return int(re.search(rf"{name}:\s*(\d+)", Path("/proc/self/status").read_text())[1])
