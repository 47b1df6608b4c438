"""A group of a network file that may be anything, and single datasets out of it.

Nothing is read before its size is known to fit what the file holds, no link leaves the file, and
whatever hdf5 raises becomes a `NetworkFileError`.
"""

import math
import os
from typing import Any

import h5py
import numpy as np

from jslayer.hdf5.errors import DAMAGED, NetworkFileError, fault, translated

MOST_ENTRIES = 2**28
"""More entries than this no dataset of a network file has."""

MOST_NAMES = 2**14
"""More names than this no group of a network file has."""

BEST_COMPRESSION = 1100
"""No filter that we read makes data smaller than by this factor."""

FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}


class Group:
    """A group of a network file, with access that trusts nothing.

    Attributes:
      file: Name of the file.
      place: Name of the group, e.g. ``layer/0/neuron``.
    """

    def __init__(self, group: h5py.Group, file: str, place: str):
        self._group = group
        self.file = file
        self.place = place

    def fault(self, name: str, came: str, expected: str, action: str) -> NetworkFileError:
        """The error of the entry ``name``."""
        return fault(self.file, self.at(name), came, expected, action)

    def at(self, name: str) -> str:
        """Full name of the entry ``name``."""
        return "/".join(part for part in (self.place, name) if part)

    def names(self) -> list[str]:
        """Names of its entries, sorted."""
        with translated(self.file, self.place):
            if len(self._group) > MOST_NAMES:
                came = f"has {len(self._group)} entries"
                raise fault(self.file, self.place, came, f"at most {MOST_NAMES}", DAMAGED)
            return sorted(self._group)

    def __contains__(self, name: str) -> bool:
        with translated(self.file, self.at(name)):
            return self._group.id.links.exists(name.encode())

    def is_group(self, name: str) -> bool:
        """True where ``name`` is a group, False where it is something else or absent."""
        return name in self and isinstance(self._entry(name), h5py.Group)

    def group(self, name: str) -> "Group":
        """The group ``name``."""
        entry = self._entry(name)
        if not isinstance(entry, h5py.Group):
            raise self.fault(name, f"is a {type(entry).__name__.lower()}", "a group", DAMAGED)
        return Group(entry, self.file, self.at(name))

    def _entry(self, name: str) -> Any:
        if name not in self:
            raise self.fault(name, "is missing", "it in this place", "export the file again")
        with translated(self.file, self.at(name)):
            link = self._group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                came = f"is a link ({type(link).__name__})"
                raise self.fault(name, came, "data in this file", "copy the data into its place")
            return self._group[name]

    def dataset(self, name: str) -> h5py.Dataset:
        """The dataset ``name``, whose data may be read without surprises."""
        entry = self._entry(name)
        if not isinstance(entry, h5py.Dataset):
            raise self.fault(name, f"is a {type(entry).__name__.lower()}", "a dataset", DAMAGED)
        with translated(self.file, self.at(name)):
            self._check_storage(name, entry)
        return entry

    def _check_storage(self, name: str, entry: h5py.Dataset) -> None:
        if entry.shape is None:
            raise self.fault(name, "holds nothing", "numbers or a text", "export the file again")
        entries = math.prod(entry.shape)
        if entries > MOST_ENTRIES:
            came = f"claims {entries} entries, of shape {entry.shape}"
            raise self.fault(name, came, f"at most {MOST_ENTRIES}", DAMAGED)
        settings = entry.id.get_create_plist()
        if settings.get_layout() == h5py.h5d.VIRTUAL or settings.get_external_count():
            raise self.fault(name, "has its data in another file", "them in this one", "copy them")
        filters = {settings.get_filter(i)[0] for i in range(settings.get_nfilters())}
        if filters - FILTERS:
            came = f"is stored with filters {sorted(filters)}"
            raise self.fault(name, came, "plain or deflated data", "write it without a filter")
        size, stored = entries * entry.dtype.itemsize, entry.id.get_storage_size()
        room = max(stored, 1024) * (BEST_COMPRESSION if filters else 1)
        chunk = math.prod(entry.chunks or ()) * entry.dtype.itemsize
        if size > room or stored > os.path.getsize(self.file) or chunk > max(room, 2**20):
            came = f"claims {size} bytes, of shape {entry.shape}, and has {stored}"
            raise self.fault(name, came, "data for all of its entries", DAMAGED)

    def array(self, name: str) -> np.ndarray:
        """The real numbers of a dataset, of any shape, in the dtype of the file."""
        entry = self.dataset(name)
        with translated(self.file, self.at(name)):
            dtype = entry.dtype
            if dtype.kind not in "fiub" or dtype == np.float16 or dtype.itemsize > 8:
                raise self.fault(name, f"has dtype {dtype}", "real numbers", DAMAGED)
            return np.asarray(entry[()])

    def numbers(self, name: str) -> np.ndarray:
        """The numbers of a dataset: float64, int64, uint64 or bool, of any shape, finite."""
        value = self.array(name)
        wide = {"f": np.float64, "i": np.int64, "u": np.uint64, "b": np.bool_}[value.dtype.kind]
        value = value.astype(wide)
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise self.fault(name, "holds NaN or infinity", "finite numbers", "train again")
        return value

    def whole(self, name: str, low: int, high: int) -> np.ndarray:
        """The whole numbers of a dataset within ``[low, high]``, int64, of any shape."""
        value = self.numbers(name)
        bad = (value < low) | (value > high)
        if value.dtype.kind == "f":
            bad |= value != np.trunc(value)
        if bad.any():
            came = f"holds {value[bad].flat[0]}"
            expected = f"whole numbers in [{low}, {high}]"
            raise self.fault(name, came, expected, "quantise the network before the export")
        return value.astype(np.int64)

    def one(self, name: str, low: int, high: int) -> int:
        """The only whole number of a dataset."""
        value = self.whole(name, low, high)
        if value.size != 1:
            raise self.fault(name, f"has shape {value.shape}", "one number", DAMAGED)
        return int(value.reshape(()))

    def text(self, name: str) -> str:
        """The only text of a dataset, of fixed or variable length."""
        entry = self.dataset(name)
        with translated(self.file, self.at(name)):
            form = h5py.check_string_dtype(entry.dtype)
            if form is None or math.prod(entry.shape) != 1:
                came = f"has dtype {entry.dtype} and shape {entry.shape}"
                raise self.fault(name, came, "one text", DAMAGED)
            if form.length is not None and form.length > 2**16:
                raise self.fault(name, f"is a text of {form.length} bytes", "a name", DAMAGED)
            value = np.asarray(entry[()], dtype=object).reshape(-1)[0]
            text = bytes(value).decode("utf-8") if isinstance(value, bytes) else str(value)
        return text.strip("\0 ")

    def is_text(self, name: str) -> bool:
        """True where the dataset ``name`` holds texts."""
        entry = self.dataset(name)
        with translated(self.file, self.at(name)):
            return h5py.check_string_dtype(entry.dtype) is not None

    def identity(self) -> int:
        """A number that only this group has in its file, whatever its name."""
        with translated(self.file, self.place):
            return h5py.h5o.get_info(self._group.id).addr

    def attributes(self) -> dict[str, Any]:
        """Small attributes: numbers, texts and rows of numbers; others are left out."""
        found: dict[str, Any] = {}
        with translated(self.file, self.place):
            attributes = self._group.attrs
            if len(attributes) > MOST_NAMES:
                came = f"has {len(attributes)} attributes"
                raise fault(self.file, self.place, came, f"at most {MOST_NAMES}", DAMAGED)
            for name in sorted(attributes):
                held = attributes.get_id(name)
                if held.shape == () and (
                    held.dtype.kind in "fiub" or h5py.check_string_dtype(held.dtype)
                ):
                    value = attributes[name]
                    found[name] = value.item() if isinstance(value, np.generic) else value
                elif len(held.shape) == 1 and held.dtype.kind in "fiu":
                    if held.shape[0] <= MOST_NAMES:
                        found[name] = np.asarray(attributes[name])
        return found
