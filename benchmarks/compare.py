"""The same work in jslayer and in its peers, on the CPU: neurons, and a dense layer with neurons.

Each library runs in a process of its own, of its own Python where ``--peer NAME=/path/to/python``
names one; all of them take turns, and while one works the others wait. A library that cannot be
imported is said to be absent. Run ``python -m benchmarks.compare``; ``--help`` lists options.

Neurons are CUBA and LIF neurons, forward and with the gradient of their drive. Each library has its
own surrogate and its own layout; only jslayer and lava-dl compute in the hardware's fixed point.
The training step is each library's own: CUBA neurons, squared distance to target rates, Adam. In
jslayer and lava-dl it has learnable delays, weight norm and dropout too, as in lava-dl's tutorial;
jslayer reads lists of events, in row ``jslayer-nct`` the tensor that the others get.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import timing
from benchmarks.peers import worker

REPOSITORY = Path(__file__).resolve().parent.parent
SIZES = {"samples": 32, "neurons": 512, "length": 300}
SIZES |= {"batch": 16, "inputs": 512, "outputs": 512, "steps": 500}
SIZES |= {"network": (2312, 512, 512, 10), "recordings": 32}
TINY_SIZES = {"samples": 2, "neurons": 3, "length": 5}
TINY_SIZES |= {"batch": 2, "inputs": 3, "outputs": 4, "steps": 5}
TINY_SIZES |= {"network": (7, 5, 5, 3), "recordings": 2}
PEERS = {
    "jslayer": ("jslayer", {}),
    "jslayer-nct": ("jslayer", {"outer": True}),
    "lava-dl": ("lava_dl", {}),
    "snntorch": ("snntorch", {}),
    "spikingjelly": ("spikingjelly", {}),
    "spyx": ("spyx", {}),
}
"""Script in `benchmarks.peers` and what it gets besides the sizes."""
PAUSE_S = 0.2
"""Threads of a library that has just worked may spin for that long."""
MEMORY_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""Makes glibc hand back what is freed, so that a peak is that of one call."""


@dataclasses.dataclass
class Peer:
    """A running process.

    Attributes:
      name: Name in the tables.
      command: What started it.
      process: The process.
      version: Versions in use, empty if it is absent.
      cases: What it can do.
      error: Why it is absent, empty if it is not.
      failed: What went wrong, by case.
    """

    name: str
    command: list[str]
    process: subprocess.Popen
    version: str = ""
    cases: tuple[str, ...] = ()
    error: str = ""
    failed: dict[str, str] = dataclasses.field(default_factory=dict)

    def ask(self, case: str, what: str = "time") -> float | None:
        """Has one call done: its seconds, or with ``memory`` its MiB; a failure ends the case."""
        if case not in self.cases:
            return None
        self.process.stdin.write(json.dumps({"case": case, "what": what}) + "\n")
        self.process.stdin.flush()
        said = self.answer()
        if "error" in said:
            self.failed[case] = said["error"]
            self.cases = tuple(name for name in self.cases if name != case)
        return said.get("found")

    def answer(self) -> dict[str, Any]:
        """The next line that it writes."""
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            raise RuntimeError(f"{self.name} ended with code {code}: {shlex.join(self.command)}")
        return json.loads(line)


@contextlib.contextmanager
def started(
    name: str, python: str, sizes: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> Iterator[Peer]:
    """Starts a peer, waits until it is ready, ends it in the end."""
    script, more = PEERS[name]
    command = [python, "-m", f"benchmarks.peers.{script}", json.dumps({**sizes, **more})]
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "JAX_PLATFORMS": "cpu", **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            peer = Peer(name, command, process)
            try:
                said = peer.answer()
            except RuntimeError as error:
                said = {"error": str(error)}
            peer.version, peer.error = said.get("version", ""), said.get("error", "")
            peer.cases = tuple(said.get("cases", ()))
            yield peer
        finally:
            process.stdin.close()
            process.wait()


def times(peers: Sequence[Peer], case: str, rounds: int, pause_s: float) -> list[dict[str, Any]]:
    """Milliseconds of a case in every peer that knows it, in turns."""
    first = {peer.name: seconds for peer in peers if (seconds := peer.ask(case)) is not None}
    taken = {name: [] for name in first}
    for _ in range(rounds):
        for peer in peers:
            if peer.name in first:
                time.sleep(pause_s)
                taken[peer.name].append(1e3 * peer.ask(case))
    best = statistics.median(taken["jslayer"])
    return [
        {
            "library": name,
            "first call, s": first[name],
            "median, ms": statistics.median(found),
            "min, ms": min(found),
            "max, ms": max(found),
            "over jslayer": statistics.median(found) / best,
        }
        for name, found in taken.items()
    ]


def memory(
    peers: Sequence[Peer], pythons: Mapping[str, str], sizes: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Peak memory of the one-layer test in every peer, each case in a process of its own."""
    rows = []
    for known in (peer for peer in peers if f"{worker.LAYER}, {worker.BOTH}" in peer.cases):
        row = {"library": known.name}
        for what in (worker.FORWARD, worker.BOTH):
            case = f"{worker.LAYER}, {what}"
            python = pythons.get(known.name, sys.executable)
            with started(known.name, python, sizes, MEMORY_ENVIRONMENT) as peer:
                mib = peer.ask(case, "memory")
            row[f"{what}, MiB"] = "unknown" if mib is None else mib
        rows.append(row)
    return rows


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    timing.add_options(parser)
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help=f"interpreter of a library, one of {', '.join(PEERS)}; may be given again",
    )
    parser.add_argument("--only", default=None, help="libraries besides jslayer, with commas")
    chosen = timing.parsed(parser, argv)
    chosen.pythons = {}
    for given in chosen.peer:
        name, _, python = given.partition("=")
        if name not in PEERS or not python:
            parser.error(
                f"`--peer` is {given}, expected NAME=PYTHON with a name of {', '.join(PEERS)}; "
                "give an interpreter that has the library."
            )
        chosen.pythons[name] = python
    wanted = list(PEERS) if chosen.only is None else ["jslayer", *chosen.only.split(",")]
    if unknown := [name for name in wanted if name not in PEERS]:
        parser.error(
            f"`--only` names {', '.join(unknown)}, expected some of {', '.join(PEERS)}; mend it."
        )
    chosen.wanted = wanted
    return chosen


def main(argv: Sequence[str] | None = None) -> None:
    chosen = options(argv)
    sizes, pause_s = (TINY_SIZES, 0.0) if chosen.tiny else (SIZES, PAUSE_S)
    report = timing.Report("jslayer and its peers on the CPU, float32")
    with contextlib.ExitStack() as stack:
        peers = [
            stack.enter_context(started(name, chosen.pythons.get(name, sys.executable), sizes))
            for name in chosen.wanted
        ]
        for peer in peers:
            report.say(
                f"{peer.name}: not importable here ({peer.error})"
                if peer.error
                else f"{peer.name}: {peer.version}"
            )
        peers = [peer for peer in peers if not peer.error]
        if not peers or peers[0].name != "jslayer":
            raise SystemExit("jslayer itself did not start; run python -m benchmarks.peers.jslayer")
        neurons = [sizes[name] for name in ("samples", "neurons", "length")]
        layer = [sizes[name] for name in ("batch", "inputs", "outputs", "steps")]
        for case in peers[0].cases:
            on_neurons = case.startswith((worker.CUBA, worker.LIF))
            goal = " to weights" if case.endswith(worker.BOTH) and not on_neurons else ""
            of_case = neurons
            if case.startswith(worker.SMALL):
                of_case = [*worker.SMALL_SIZES, sizes["length"]]
            title = f"{case}{goal}, [N, C, T] = {of_case}"
            if case == worker.STEP:
                title = f"{case}, {'-'.join(map(str, sizes['network']))}, batch "
                title += f"{sizes['recordings']}, T = {sizes['length']}"
            if case.startswith(worker.LAYER):
                title = f"{case}{goal}, [N, in, out, T] = {layer}"
            report.add_rows(title, times(peers, case, chosen.rounds, pause_s))
            for peer in peers:
                if case in peer.failed:
                    report.say(f"{peer.name}: failed ({peer.failed[case]})")
    title = f"{worker.LAYER}, [N, in, out, T] = {layer}: peak memory of a call"
    report.add_rows(title, memory(peers, chosen.pythons, sizes))
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
