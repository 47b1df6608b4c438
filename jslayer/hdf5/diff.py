"""What differs between two network files."""

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from jslayer.hdf5.errors import NetworkFileError
from jslayer.hdf5.read import source
from jslayer.hdf5.read.group import Group

DEEPEST = 16
"""Groups in groups; a network file has three."""


def diff(a: str | os.PathLike[str], b: str | os.PathLike[str]) -> list[str]:
    """What differs between two network files, dataset by dataset, attributes included.

    The files need not be networks that make sense; they are compared as they are stored.

    Args:
      a: Name of a file.
      b: Name of another.

    Returns:
      A line for each difference: what is in one only, another dtype, another shape, or how many
      numbers differ and by how much at most. Empty where the files hold the same.

    Raises:
      NetworkFileError: a file is damaged.
      FileNotFoundError, IsADirectoryError, PermissionError: as `read`.
    """
    with source.opened(a) as file_a, source.opened(b) as file_b:
        ours, theirs = _content(file_a), _content(file_b)
    lines = []
    for name in sorted(ours.keys() | theirs.keys(), key=_order):
        if name not in theirs:
            lines.append(f"{name}: only in the first file")
        elif name not in ours:
            lines.append(f"{name}: only in the second file")
        else:
            lines += [f"{name}: {line}" for line in _differences(ours[name], theirs[name])]
    return lines


def _order(name: str) -> list[tuple[int, int | str]]:
    """Layers by number, all else by name."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split("[/@]", name)]


def _content(file: Group) -> Mapping[str, Any]:
    """Texts and arrays by path; attributes by path, ``@`` and name."""
    found: dict[str, Any] = {}
    _collect(file, "", found, set(), 0)
    return found


def _collect(group: Group, place: str, found: dict[str, Any], seen: set[int], depth: int) -> None:
    identity = group.identity()
    if identity in seen or depth > DEEPEST:
        raise NetworkFileError(
            f"{group.file}: `{place}` is a group that holds itself, or lies too deep, expected "
            "a tree of groups; export the file again.",
            place,
        )
    found |= {f"{place}@{name}": value for name, value in group.attributes().items()}
    for name in group.names():
        path = f"{place}/{name}" if place else name
        if group.is_group(name):
            _collect(group.group(name), path, found, seen | {identity}, depth + 1)
        else:
            found[path] = group.text(name) if group.is_text(name) else group.array(name)


def _differences(ours: Any, theirs: Any) -> list[str]:
    if not (isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray)):
        if isinstance(ours, np.ndarray) or isinstance(theirs, np.ndarray):
            return ["a text in one file, numbers in the other"]
        same = ours == theirs or (ours != ours and theirs != theirs)
        return [] if same else [f"{ours!r} and {theirs!r}"]
    lines = []
    if ours.dtype != theirs.dtype:
        lines.append(f"dtype {ours.dtype} and {theirs.dtype}")
    if ours.shape != theirs.shape:
        return [*lines, f"shape {ours.shape} and {theirs.shape}"]
    differ = (ours != theirs) & ~((ours != ours) & (theirs != theirs))
    if np.any(differ):
        with np.errstate(all="ignore"):
            distance = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
        largest = np.max(distance, where=differ, initial=0)
        count, size = int(np.count_nonzero(differ)), ours.size
        lines.append(f"{count} of {size} numbers differ, by up to {float(largest):g}")
    return lines
