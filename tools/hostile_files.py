"""Meets hostile files, each in a process of its own with limits, and prints what happened.

    python -m tools.hostile_files                       the table
    python -m tools.hostile_files --only bomb           the cases whose names hold a word
    python -m tools.hostile_files --mutations 100000    mutates files instead, and counts

Every case must end within its limits of time and memory, with the exception that is due, whose text
is short and printable.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.hostile import downloads, events, network
from tools.hostile.case import Case, Found, as_line, limit_process, met

ROOT = Path(__file__).resolve().parent.parent
CASES: dict[str, Case] = {**network.CASES, **downloads.CASES, **events.CASES}
MOST_GIGABYTES = 16
"""Of a process, should a case go wrong."""


def in_process(name: str) -> Found:
    """Meets a case in a process of its own."""
    case = CASES[name]
    command = [sys.executable, "-m", "tools.hostile_files", "--case", name]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=60 + 4 * case.seconds
        )
    except subprocess.TimeoutExpired:
        return Found("hang", "", float("inf"), 0.0)
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return Found(f"ended with status {done.returncode}", "", 0.0, 0.0)
    return Found(**json.loads(lines[-1]))


def table(names: list[str]) -> int:
    """Prints a line per case; the number of those that are not as they should be."""
    print(f"{'case':<46} {'limit':>13} {'time':>8} {'memory':>8}  outcome")
    bad = 0
    for name in names:
        case, found = CASES[name], in_process(name)
        faults = found.faults(case)
        bad += bool(faults)
        limit = f"{case.seconds:g} s {case.megabytes:g} MB"
        print(
            f"{name:<46} {limit:>13} {found.seconds:6.2f} s {found.megabytes:5.0f} MB  "
            f"{found.outcome}{': ' if found.message else ''}{found.message[:100]}"
            f"{' BAD: ' if faults else ''}{', '.join(faults)}",
            flush=True,
        )
    print(f"{len(names)} cases, {bad} not as they should be")
    return bad


def mutate(count: int, first: int) -> int:
    """Mutates network files, and a third as many event files; the number of what failed."""
    start, bad = time.perf_counter(), 0
    for script, share in (
        ("fuzz_network_file", count - count // 4),
        ("fuzz_event_files", count // 4),
    ):
        words = ["--mutations", str(share), "--first", str(first)]
        print(f"{script}:", flush=True)
        bad += subprocess.run(
            [sys.executable, "-m", f"tools.{script}", *words], cwd=ROOT
        ).returncode
    print(f"{count} mutations in {time.perf_counter() - start:.0f} s")
    return bad


def main() -> int:
    """Runs the table, or mutations; 1 where anything is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="a word that the names hold")
    parser.add_argument("--mutations", type=int, help="how many mutations to make instead")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        limit_process(MOST_GIGABYTES)
        with tempfile.TemporaryDirectory() as folder:
            print(as_line(met(CASES[options.case], Path(folder))))
        return 0
    if options.mutations is not None:
        return int(mutate(options.mutations, options.first) > 0)
    return int(table([name for name in CASES if options.only in name]) > 0)


if __name__ == "__main__":
    sys.exit(main())
