"""Interleaved timing of several callables, and a table that says on what they ran."""

import argparse
import dataclasses
import datetime
import json
import os
import platform
import re
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


def processor() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """What a time depends on: device, processors, versions, date and the allocator's setting."""
    return {
        "device": jax.devices()[0].device_kind,
        "processor": processor(),
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "jax": jax.__version__,
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", "unset"),
    }


def shown(row: Row) -> dict[str, Any]:
    """A row under the words of the table's head."""
    return {
        "case": row.name,
        "first call, s": f"{row.first_call_s:.2f}",
        "median, ms": row.median_ms,
        "min, ms": row.min_ms,
        "max, ms": row.max_ms,
        "over its floor": f"{row.over_floor:.2f}x {row.floor}" if row.floor else "",
    }


def table(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same columns as a Markdown table under their title."""
    columns = list(rows[0])
    left = (columns[0], "over its floor")
    lines = [
        f"### {title}",
        "",
        f"| {' | '.join(columns)} |",
        f"| {' | '.join('---' if name in left else '---:' for name in columns)} |",
    ]
    for row in rows:
        lines.append(f"| {' | '.join(_cell(row[name]) for name in columns)} |")
    return "\n".join(lines)


def _cell(value):
    """Three digits of a float, an integer in full."""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)


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
        self.say(table(title, [shown(row) for row in rows]))
        self._sections[title] = [dataclasses.asdict(row) for row in rows]
        return {row.name: row for row in rows}

    def add_rows(self, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Prints a table of anything else: rows of the same columns, of which the first names."""
        self.say(table(title, rows))
        self._sections[title] = [dict(row) for row in rows]

    def write(self, out: str | os.PathLike) -> Path:
        """Writes the report as Markdown and, beside it, as JSON; returns the Markdown's path.

        A bare name goes to ``benchmarks/results/``, anything with a folder where it says;
        ``{device}`` in it becomes ``cpu`` or ``gpu``.
        """
        path = Path(os.fspath(out).replace("{device}", jax.default_backend()))
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
    add_options(parser)
    return parsed(parser, argv)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that all benchmarks share."""
    parser.add_argument("--tiny", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--rounds", type=int, default=None, help="calls of each case")
    parser.add_argument("--out", default=None, help="write OUT.md and OUT.json too")


def parsed(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line; without ``--rounds`` there are few for tiny sizes, else many."""
    chosen = parser.parse_args(argv)
    if chosen.rounds is None:
        chosen.rounds = 2 if chosen.tiny else 15
    if chosen.rounds < 1:
        parser.error(f"`--rounds` is {chosen.rounds}, expected at least 1; give more rounds.")
    return chosen
