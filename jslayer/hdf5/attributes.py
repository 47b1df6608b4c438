"""Which attributes of a network file are kept, and how they and its texts become Python's."""

from typing import Any

import h5py
import numpy as np


def is_row(held: Any) -> bool:
    """True for a row of numbers."""
    return len(held.shape) == 1 and held.dtype.kind in "fiu"


def is_kept(held: Any) -> bool:
    """True for a number, a text or a row of numbers, of an h5py ``AttrID`` that holds something."""
    is_one = h5py.check_string_dtype(held.dtype) is not None or held.dtype.kind in "fiub"
    return is_row(held) or (held.shape == () and is_one)


def plain(value: Any) -> Any:
    """An attribute as an array or as Python's own number or text."""
    return value.item() if isinstance(value, np.generic) else value


def text_of(value: Any) -> str:
    """The only text of a dataset, of fixed or variable length."""
    text = np.asarray(value, dtype=object).reshape(-1)[0]
    return (bytes(text).decode("utf-8") if isinstance(text, bytes) else str(text)).strip("\0 ")
