"""What differs between two network files."""

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from jslayer.hdf5 import checksum
from jslayer.hdf5.read import source
from jslayer.hdf5.read.group import Group
from jslayer.hdf5.read.neuron import EXPORT
from jslayer.hdf5.read.whole import DEEPEST
from jslayer.io.text import shown

PIECE = 2**20
"""Numbers that are compared at a time."""


def diff(
    a: str | os.PathLike[str], b: str | os.PathLike[str], *, max_bytes: int | None = None
) -> list[str]:
    """What differs between two network files, dataset by dataset, attributes included.

    The files need not be networks that make sense; they are compared as they are stored, without
    their checksums.

    Args:
      a: Name of a file.
      b: Name of another.
      max_bytes: As in `read`, for each of them.

    Returns:
      A line for each difference: what is in one only, another dtype, another shape, or how many
      numbers differ and by how much at most. Empty where the files hold the same. An object of
      several names is compared once, by the first; the others differ where they lead elsewhere.

    Raises:
      NetworkFileError: a file is damaged.
      FileNotFoundError, IsADirectoryError, PermissionError: as `read`.
    """
    with source.opened(a, max_bytes=max_bytes) as file_a:
        ours = _content(file_a)
    with source.opened(b, max_bytes=max_bytes) as file_b:
        theirs = _content(file_b)
    lines = []
    for name in sorted(ours.keys() | theirs.keys(), key=_order):
        place = shown(name)
        if name not in theirs:
            lines.append(f"{place}: only in the first file")
        elif name not in ours:
            lines.append(f"{place}: only in the second file")
        else:
            lines += [f"{place}: {line}" for line in _differences(ours[name], theirs[name])]
    return lines


def _order(name: str) -> list[tuple[int, int | str]]:
    """Layers by number, all else by name."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split("[/@]", name)]


def _content(file: Group) -> Mapping[str, Any]:
    """Texts and arrays by path, attributes by path, ``@`` and name; once per object."""
    found: dict[str, Any] = {}
    _collect(file, "", found, {file.identity(): ""}, 0)
    found.pop(f"@{checksum.NAME}", None)
    return found


def _collect(
    group: Group, place: str, found: dict[str, Any], seen: dict[int, str], depth: int
) -> None:
    if depth > DEEPEST:
        raise group.fault("", "lies too deep", f"{DEEPEST} groups in groups at most", EXPORT)
    found |= {f"{place}@{name}": value for name, value in group.attributes().items()}
    for name in group.names():
        path = f"{place}/{name}" if place else name
        address = group.address(name)
        if address in seen:
            found[path] = f"the same as {seen[address]}"
            continue
        seen[address] = path
        if group.is_group(name):
            _collect(group.group(name), path, found, seen, depth + 1)
        else:
            found[path] = group.text(name) if group.is_text(name) else group.array(name)


def _differences(ours: Any, theirs: Any) -> list[str]:
    if not (isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray)):
        if isinstance(ours, np.ndarray) or isinstance(theirs, np.ndarray):
            return ["a text in one file, numbers in the other"]
        same = ours == theirs or (ours != ours and theirs != theirs)
        return [] if same else [f"{shown(repr(ours))} and {shown(repr(theirs))}"]
    lines = []
    if ours.dtype != theirs.dtype:
        lines.append(f"dtype {ours.dtype} and {theirs.dtype}")
    if ours.shape != theirs.shape:
        return [*lines, f"shape {ours.shape} and {theirs.shape}"]
    differ = (ours != theirs) & ~((ours != ours) & (theirs != theirs))
    if np.any(differ):
        count, size = int(np.count_nonzero(differ)), ours.size
        largest = _largest_distance(ours[differ], theirs[differ])
        lines.append(f"{count} of {size} numbers differ, by up to {largest:g}")
    return lines


def _largest_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """How far numbers are apart at most; piece by piece, as float64 is large."""
    largest = 0.0
    for start in range(0, ours.size, PIECE):
        part = slice(start, start + PIECE)
        with np.errstate(all="ignore"):
            distance = np.abs(ours[part].astype(np.float64) - theirs[part].astype(np.float64))
        largest = float(np.maximum(largest, np.max(distance)))  # NaN stays
    return largest
