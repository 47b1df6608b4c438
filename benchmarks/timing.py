"""Interleaved timing of several callables, and a table that says on what they ran."""

import argparse
import dataclasses
import datetime
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

RESULTS = Path(__file__).resolve().parent / "results"


@dataclasses.dataclass(frozen=True)
class Case:
    """One row to be measured.

    Attributes:
      name: What the row is called.
      call: Does the work once and returns its arrays; the first call also traces and compiles.
      floor: Name of the row whose median is this row's bound, or ``None``.
    """

    name: str
    call: Callable[[], Any]
    floor: str | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """One measured row; times of a call in milliseconds, of the first call in seconds."""

    name: str
    first_call_s: float
    median_ms: float
    min_ms: float
    max_ms: float
    floor: str | None = None
    over_floor: float | None = None


def timed(call: Callable[[], Any]) -> float:
    """Seconds until everything that ``call`` returns is there."""
    start = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - start


def measure(cases: Sequence[Case], *, rounds: int) -> list[Row]:
    """Times every case once per round, in turn, so that a slow minute hits all of them alike.

    Args:
      cases: Rows of one table; a floor is another of them.
      rounds: Calls of each, after the first one, which is reported apart.

    Returns:
      One row per case; the ratio to a floor is that of the medians.
    """
    first = {case.name: timed(case.call) for case in cases}
    seconds = {case.name: [] for case in cases}
    for _ in range(rounds):
        for case in cases:
            seconds[case.name].append(timed(case.call))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    return [
        Row(
            name=case.name,
            first_call_s=first[case.name],
            median_ms=1e3 * medians[case.name],
            min_ms=1e3 * min(seconds[case.name]),
            max_ms=1e3 * max(seconds[case.name]),
            floor=case.floor,
            over_floor=medians[case.name] / medians[case.floor] if case.floor else None,
        )
        for case in cases
    ]


def machine() -> dict[str, Any]:
    """What a time depends on: device, processors, versions, date and the allocator's setting."""
    return {
        "device": jax.devices()[0].device_kind,
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "jax": jax.__version__,
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", "unset"),
    }


def table(title: str, rows: Sequence[Row]) -> str:
    """The rows as a Markdown table under their title."""
    lines = [
        f"### {title}",
        "",
        "| case | first call, s | median, ms | min, ms | max, ms | over its floor |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        ratio = f"{row.over_floor:.2f}x {row.floor}" if row.floor else ""
        times = " | ".join(f"{t:.3g}" for t in (row.median_ms, row.min_ms, row.max_ms))
        lines.append(f"| {row.name} | {row.first_call_s:.2f} | {times} | {ratio} |")
    return "\n".join(lines)


class Report:
    """Prints sections as they are done, and keeps them for a file."""

    def __init__(self, title: str):
        self._on = machine()
        self._sections: dict[str, list[dict[str, Any]]] = {}
        self._text: list[str] = []
        self.say(f"## {title}")
        self.say(", ".join(f"{name}: {value}" for name, value in self._on.items()))

    def say(self, text: str) -> None:
        """Prints one paragraph."""
        print(text, end="\n\n", flush=True)
        self._text.append(text)

    def add(self, title: str, cases: Sequence[Case], *, rounds: int) -> Mapping[str, Row]:
        """Measures one table and prints it; returns its rows by name."""
        rows = measure(cases, rounds=rounds)
        self.say(table(title, rows))
        self._sections[title] = [dataclasses.asdict(row) for row in rows]
        return {row.name: row for row in rows}

    def write(self, out: str | os.PathLike) -> Path:
        """Writes the report as Markdown and, beside it, as JSON; returns the Markdown's path.

        A bare name goes to ``benchmarks/results/``, anything with a folder where it says.
        """
        path = Path(out)
        path = (RESULTS / path if path.parent == Path() else path).with_suffix(".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {"machine": self._on, "tables": self._sections}
        _replace(path, "\n\n".join(self._text) + "\n")
        _replace(path.with_suffix(".json"), json.dumps(record, indent=1) + "\n")
        return path


def _replace(path, text):
    """Never leaves half a file where a whole one was."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def options(description: str, argv: Sequence[str] | None) -> argparse.Namespace:
    """Reads the options that all benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--tiny", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--rounds", type=int, default=None, help="calls of each case")
    parser.add_argument("--out", default=None, help="write FILE.md and FILE.json as well")
    chosen = parser.parse_args(argv)
    if chosen.rounds is None:
        chosen.rounds = 2 if chosen.tiny else 15
    if chosen.rounds < 1:
        parser.error(f"`--rounds` is {chosen.rounds}, expected at least 1; give more rounds.")
    return chosen
