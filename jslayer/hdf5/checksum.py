"""The checksum of a network file: over what it says, however that is stored.

It is SHA-256 over every attribute that is kept and every dataset, by their sorted places: place,
kind, shape and little-endian numbers, or UTF-8; each with its length before it. A copy in other
chunks, or deflated, has the same one.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

NAME, MARK = "checksum", "sha256:"
"""The attribute of the file, and how its text begins."""


def checksum(content: Iterable[tuple[str, Any]]) -> str:
    """The checksum of what a file holds, but for the checksum itself.

    Args:
      content: Texts and numbers by their place: of each group its attributes, as ``group@name``,
        and then its entries, both by name.
    """
    digest = hashlib.sha256()
    for place, value in content:
        if place != f"@{NAME}":
            for part in _parts(place, value):
                digest.update(struct.pack("<Q", len(part)))
                digest.update(part)
    return MARK + digest.hexdigest()


def _parts(place: str, value: Any) -> Iterator[bytes]:
    yield place.encode("utf-8", "surrogateescape")
    if isinstance(value, str):
        yield b"text"
        yield value.encode("utf-8", "surrogateescape")
        return
    array = np.asarray(value)
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    yield f"{array.dtype.str} {array.shape}".encode()
    yield array.tobytes()
