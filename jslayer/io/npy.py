"""Arrays in NumPy's format, whose claims are checked before anything is read."""

import math
from typing import IO

import numpy as np

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(stream: IO[bytes], left: int, *, fields: bool = False) -> np.ndarray:
    """Reads an array of plain numbers; read-only.

    Args:
      stream: Where it begins.
      left: Bytes that it may have.
      fields: Each entry has named fields, instead of being a number.

    Raises:
      ValueError: It is no array of real numbers, claims more, or ends too early; without the name
        of the file. Damaged headers raise other exceptions as well.
    """
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format")
    shape, is_fortran, dtype = _HEADERS[version](stream)
    if dtype.hasobject or (dtype.names is None if fields else dtype.kind not in "fiub"):
        raise ValueError(f"numbers of dtype {dtype}")
    size = math.prod(shape) * dtype.itemsize
    if size > left or min(shape, default=0) < 0:
        raise ValueError(f"shape {shape} of {dtype}, more than the {left} bytes that it may have")
    data = stream.read(size)
    if len(data) != size:
        raise ValueError(f"{len(data)} of {size} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")
