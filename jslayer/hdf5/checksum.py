"""The checksum of a network file: over what it says, however that is stored.

It is SHA-256 over every attribute that `read` returns and every dataset, by their sorted places:
place, kind, shape and little-endian numbers, or UTF-8; each with its length before it. A copy in
other chunks, or deflated, has the same one.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from jslayer.hdf5.errors import NetworkFileError, fault
from jslayer.hdf5.read.group import Group

NAME, MARK = "checksum", "sha256:"
"""The attribute of the file, and how its text begins."""

DEEPEST = 16


def checksum(file: Group) -> str:
    """The checksum of all that a file holds, but for the checksum itself.

    Raises:
      NetworkFileError: something in it is neither a number nor a text.
    """
    digest = hashlib.sha256()
    for place, value in _content(file, 0):
        if place != f"@{NAME}":
            for part in _parts(place, value):
                digest.update(struct.pack("<Q", len(part)))
                digest.update(part)
    return MARK + digest.hexdigest()


def check(file: Group, said: Any) -> None:
    """Compares what a file says with what it holds.

    Raises:
      NetworkFileError: they differ, or something is in it that no checksum covers.
    """
    try:
        found = checksum(file)
    except NetworkFileError as error:
        raise _unlike(file, f"does not fit: {error}") from error
    if said != found:
        raise _unlike(file, f"is {said!r}, but of this content {found!r}")


def _unlike(file: Group, came: str) -> NetworkFileError:
    action = f"copy or export it again, or, if you changed it, `del file.attrs[{NAME!r}]` in h5py"
    return fault(file.file, "", f"has a {NAME} that {came}", "the content as written", action)


def _content(group: Group, depth: int) -> Iterator[tuple[str, Any]]:
    """Texts and numbers by their place, attributes and then entries by name."""
    if depth > DEEPEST:
        raise group.fault("", "lies too deep", f"{DEEPEST} groups in groups at most", "flatten it")
    for name, value in group.attributes().items():
        yield f"{group.place}@{name}", value
    for name in group.names():
        if group.is_group(name):
            yield from _content(group.group(name), depth + 1)
        else:
            yield group.at(name), group.text(name) if group.is_text(name) else group.array(name)


def _parts(place: str, value: Any) -> Iterator[bytes | memoryview]:
    yield place.encode("utf-8", "surrogateescape")
    if isinstance(value, str):
        yield b"text"
        yield value.encode("utf-8", "surrogateescape")
        return
    array = np.asarray(value)
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    yield f"{array.dtype.str} {array.shape}".encode()
    yield array.tobytes()
