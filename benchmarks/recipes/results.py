"""Results of single trainings, kept in one file, and the page that is made of them.

A row is a mapping with ``experiment``, ``case`` and ``seed``, which name it; the same training run
again takes its place. Each has ``processor_s``, ``wall_s`` and, by its key, the machine that it ran
on. Nothing on the page is written by hand.
"""

import json
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import timing

Row = dict[str, Any]
NAMED = ("experiment", "case", "seed")


class Results:
    """Rows in a JSON file.

    Args:
      path: The file; it is made with the first row.
    """

    def __init__(self, path: Path):
        self.path = path
        self.rows = self._read()

    def _read(self) -> list[Row]:
        return json.loads(self.path.read_text())["rows"] if self.path.is_file() else []

    def add(self, row: Mapping[str, Any]) -> None:
        """Puts a row in the place of that of the same name, and writes the file."""
        name = [row[key] for key in NAMED]
        # read again: another process may have added some
        kept = [old for old in self._read() if [old[key] for key in NAMED] != name]
        kept.append({**row, "machine": timing.machine()})
        self.rows = sorted(kept, key=lambda row: [str(row[key]) for key in NAMED])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # a row a line, so that differences between two runs can be read
        lines = ",\n".join(json.dumps(row) for row in self.rows)
        partial = self.path.with_name(self.path.name + ".partial")
        partial.write_text(f'{{"rows": [\n{lines}\n]}}\n', encoding="utf-8")
        os.replace(partial, self.path)

    def of(self, experiment: str, case: str | None = None) -> list[Row]:
        """The rows of an experiment, or of one of its cases."""
        return [
            row
            for row in self.rows
            if row["experiment"] == experiment and case in (None, row["case"])
        ]

    def has(self, experiment: str, case: str, seed: int) -> bool:
        """Whether there is such a row."""
        return any(row["seed"] == seed for row in self.of(experiment, case))


def spread(rows: Sequence[Row], key: str, digits: int = 3) -> str:
    """Mean and standard deviation over rows, as ``0.950 ± 0.010``; a single one stands alone."""
    values = [row[key] for row in rows]
    mean = f"{statistics.fmean(values):,.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):,.{digits}f}" if len(values) > 1 else mean


def seeds(rows: Sequence[Row]) -> str:
    """The seeds of rows."""
    return ", ".join(str(row["seed"]) for row in rows)


def minutes(rows: Sequence[Row]) -> str:
    """Mean processor time, in minutes or seconds."""
    known = [row["processor_s"] for row in rows if row["processor_s"] is not None]
    if not known:
        return "not kept"
    taken = statistics.fmean(known)
    return f"{taken / 60:.1f} min" if taken >= 90 else f"{taken:.0f} s"


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """A Markdown table of texts, rows of the same columns."""
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *([row[name] for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machines(rows: Iterable[Row]) -> str:
    """The machines and dates of rows, each once."""
    found = []
    for row in rows:
        on = row["machine"]
        text = f"{on['processor']}, {on['cpus']} cores, JAX {on['jax']}, {on['date']}"
        if text not in found:
            found.append(text)
    return "; ".join(found)
