"""NIR files from anywhere, read without surprises.

They are hdf5 files, so what guards network files guards these: nothing is read before its size is
known to fit, no link leaves the file, groups that lead in circles end.
"""

import mmap
import os
from typing import Any

import h5py

from jslayer.hdf5.errors import translated
from jslayer.hdf5.read import source
from jslayer.hdf5.read.earliest.content import Content
from jslayer.hdf5.read.earliest.datatype import VARIABLE, Type
from jslayer.hdf5.read.earliest.heaps import heaps
from jslayer.hdf5.read.earliest.messages import variable_entries
from jslayer.hdf5.read.group import Group
from jslayer.nir.graph import ACTION, MOST_EDGES

DEEPEST = 24
"""Groups in groups: three for each subgraph."""

NOTES = ("dt", "scale")
"""Metadata that are read: the step of a graph, a neuron's integer weights per threshold unit."""

REFERENCE = 16
"""Bytes that stand in a dataset for each text of variable length."""


def content_of(path: str | os.PathLike[str], max_bytes: int | None) -> dict[str, Any]:
    """The graph of a NIR file as dictionaries of arrays and texts.

    Raises:
      NetworkFileError: it is damaged, too large, of a newer hdf5 format or no NIR file.
      FileNotFoundError, IsADirectoryError, PermissionError: as they are.
    """
    with source.opened(path, max_bytes=max_bytes) as file:
        if not file.is_group("node"):
            raise file.fault("", "has no group node", "a NIR file", "give one of `nir.write`")
        return _read(file.group("node"), 0)


def _read(group: Group, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        raise group.fault("", "lies too deep", f"at most {DEEPEST} groups in groups", ACTION)
    found: dict[str, Any] = {}
    for name in group.names():
        if name == "metadata":
            found[name] = _metadata(group)
        elif group.is_group(name):
            # counted, since a group may be met by many names
            group.spend(2**12, name)
            found[name] = _read(group.group(name), depth + 1)
        elif not group.is_text(name):
            found[name] = group.array(name)
        elif name == "edges":
            found[name] = _edges(group)
        else:
            found[name] = group.text(name)
    return found


def _metadata(group: Group) -> dict[str, Any]:
    """What this library notes there; what others do is theirs."""
    if not group.is_group("metadata"):
        return {}
    held = group.group("metadata")
    known = [name for name in NOTES if name in held and not held.is_group(name)]
    return {name: held.array(name) for name in known if not held.is_text(name)}


def _edges(group: Group) -> list[tuple[str, str]]:
    """The names that belong together, ``[edges, 2]`` texts."""
    entry = group.dataset("edges")
    with translated(group.file, group.at("edges")):
        shape, dtype = entry.shape, entry.dtype
        form = h5py.check_string_dtype(dtype)
        if len(shape) != 2 or shape[1] != 2 or shape[0] > MOST_EDGES or entry.chunks is not None:
            came = f"has shape {shape} and chunks {entry.chunks}"
            raise group.fault("edges", came, f"up to {MOST_EDGES} pairs of names, plain", ACTION)
        if form.length is None:
            group.spend(_expanded(group, entry), "edges")
        else:
            group.spend(entry.size * dtype.itemsize, "edges")
        texts = [[_text(one) for one in pair] for pair in entry[()]]
    return [(a, b) for a, b in texts]


def _expanded(group: Group, entry: h5py.Dataset) -> int:
    """Bytes of all texts of a dataset, whose heaps are there."""
    offset = entry.id.get_offset()
    if offset is None:
        raise group.fault("edges", "holds no texts", "pairs of names", ACTION)
    with open(group.file, "rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            known = heaps(Content(content, group.file))
        file.seek(offset)
        data = file.read(entry.size * REFERENCE)
    places = variable_entries(data, Type(VARIABLE, REFERENCE, 1))
    if len(places) != entry.size or any(size and heap not in known for size, heap in places):
        raise group.fault("edges", "has texts outside of the file", "texts in it", ACTION)
    return sum(size for size, _ in places)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
