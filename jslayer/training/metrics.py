"""Numbers of a run, for those who want to watch it: hooks, and one that writes a table."""

import csv
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jslayer.io.files import PathLike
from jslayer.io.first import writes
from jslayer.io.replace import naming
from jslayer.ops import check


class Hook(Protocol):
    """Anything that is called with the number of steps so far and numbers by name."""

    def __call__(self, step: int, values: Mapping[str, Any], /) -> None:
        """Takes the numbers of a step."""


def flatten(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Nested metrics by path, e.g. ``{"train": {"loss": 1.0}}`` as ``{"train/loss": 1.0}``.

    Example:
      >>> flatten({"loss": 1.0, "event_rates": {"blocks_0": 0.1}})
      {'loss': 1.0, 'event_rates/blocks_0': 0.1}
    """
    found = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            found.update({f"{name}/{below}": leaf for below, leaf in flatten(value).items()})
        else:
            found[name] = value
    return found


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Values as floats, nested ones by path; reads them from the device.

    Raises:
      TypeError: a value is not one real number.
    """
    found = {}
    for name, value in flatten(values).items():
        array = np.asarray(value)
        if array.size != 1 or array.dtype.kind not in "biuf":
            raise TypeError(
                f"`values` has {name} of dtype {array.dtype} and shape {array.shape}, expected one "
                "real number; reduce it first, or leave it out."
            )
        found[name] = float(array.reshape(()))
    return found


class Writer:
    """Base of hooks that write to a file: reads the numbers every so many steps; closes.

    Use it in a ``with`` block, or call `close`.

    Args:
      every: Steps between two that are written, counted from those divisible by it.

    Raises:
      ValueError: ``every`` is below 1.
    """

    def __init__(self, *, every: int = 1):
        check.whole("every", every)
        self.every = int(every)

    def __call__(self, step: int, values: Mapping[str, Any], /) -> None:
        """Writes the numbers, if this step is one of those that are written."""
        if step % self.every == 0:
            self.write(step, numbers(values))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Writes numbers; a kind of file gives it."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the file."""
        raise NotImplementedError

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class CSVWriter(Writer):
    """Appends to a table with the columns ``step,name,value``, one row for each number.

    Rows instead of columns, so that metrics may come and go, and a resumed run goes on in the same
    file. After each call the rows are in the file, whatever happens to the process.
    Of several processes only the first writes.

    Args:
      path: The file, made if it does not exist.
      every: Steps between two that are written.

    Raises:
      FileNotFoundError: The folder of ``path`` does not exist.
      ValueError: The file holds another table.

    Example:
      >>> import tempfile, pathlib
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = pathlib.Path(folder) / "metrics.csv"
      ...     with CSVWriter(path) as write:
      ...         write(1, {"loss": 0.5})
      ...     print(path.read_text(), end="")
      step,name,value
      1,loss,0.5
    """

    COLUMNS = ("step", "name", "value")

    def __init__(self, path: PathLike, *, every: int = 1):
        super().__init__(every=every)
        path = self._path = Path(path if writes() else os.devnull)
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"`path` is {path}, whose folder does not exist, expected one that does; create it."
            )
        header = ",".join(self.COLUMNS)
        if path.exists() and path.stat().st_size:
            with open(path, encoding="utf-8", newline="") as file:
                first = file.readline().rstrip("\r\n")
            if first != header:
                raise ValueError(
                    f"`path` is {path}, which starts with {first[:40]!r}, expected {header!r}; "
                    "give another name."
                )
        # a run that was killed may have left half a row
        _end_line(path)
        self._file = open(path, "a", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        if not path.stat().st_size:
            self._write([self.COLUMNS])

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Appends one row for each number."""
        self._write((step, name, repr(value)) for name, value in values.items())

    def _write(self, rows: Iterable[Any]) -> None:
        with naming(self._path):
            self._rows.writerows(rows)
            self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        with naming(self._path):
            self._file.close()


def _end_line(path):
    if not path.exists() or not path.stat().st_size:
        return
    with open(path, "rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.seek(0)
            whole = file.read().rfind(b"\n") + 1
            file.truncate(whole)


def read_csv(path: PathLike) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Reads what `CSVWriter` wrote.

    Returns:
      By name: ``[n]`` int64 steps and ``[n]`` float64 values.
    """
    found: dict[str, tuple[list[int], list[float]]] = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            steps, values = found.setdefault(row["name"], ([], []))
            steps.append(int(row["step"]))
            values.append(float(row["value"]))
    return {n: (np.array(s, np.int64), np.array(v, np.float64)) for n, (s, v) in found.items()}
