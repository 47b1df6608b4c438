"""A group of a network file that may be anything, and single datasets out of it.

Nothing is read before its size is known to fit what the file holds, no link leaves the file, and
whatever hdf5 raises becomes a `NetworkFileError`.
"""

import dataclasses
import math
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike

from jslayer.hdf5.attributes import is_kept, plain, text_of
from jslayer.hdf5.errors import DAMAGED, NetworkFileError, fault, translated
from jslayer.hdf5.read.budget import Budget
from jslayer.hdf5.read.earliest.objects import Object
from jslayer.hdf5.read.storage import check_chunks, check_storage
from jslayer.io.text import shown

MOST_NAMES = 2**14
"""More names than this no group of a network file has."""

LONGEST_TEXT = 2**16
"""Longest text of fixed length, in bytes."""


@dataclasses.dataclass
class Known:
    """What is known of a file while it is read.

    Attributes:
      objects: Its objects by their address.
      budget: How much may still be read.
      cache: What was read, so that an object of many names is read once.
    """

    objects: dict[int, Object]
    budget: Budget
    cache: dict[tuple[Any, ...], Any] = dataclasses.field(default_factory=dict)


class Group:
    """A group of a network file, with access that trusts nothing.

    Attributes:
      file: Name of the file.
      place: Name of the group, e.g. ``layer/0/neuron``.
    """

    def __init__(self, group: h5py.Group, file: str, place: str, known: Known):
        self._group = group
        self._known = known
        self.file = file
        self.place = place

    def fault(self, name: str, came: str, expected: str, action: str) -> NetworkFileError:
        """The error of the entry ``name``."""
        return fault(self.file, self.at(name), came, expected, action)

    def afresh(self) -> "Group":
        """The same with another budget, for a look at everything that keeps nothing."""
        known = Known(self._known.objects, self._known.budget.again())
        return Group(self._group, self.file, self.place, known)

    def at(self, name: str) -> str:
        """Full name of the entry ``name``."""
        return "/".join(part for part in (self.place, name) if part)

    def spend(self, count: int, name: str) -> None:
        """Counts bytes that the entry ``name`` makes others take."""
        self._known.budget.spend(count, self.at(name))

    def names(self) -> list[str]:
        """Names of its entries, sorted."""
        with translated(self.file, self.place):
            if len(self._group) > MOST_NAMES:
                came = f"has {len(self._group)} entries"
                raise fault(self.file, self.place, came, f"at most {MOST_NAMES}", DAMAGED)
            names = list(self._group)
            for name in names:
                if not isinstance(name, str):  # h5py gives bytes that are not UTF-8 as they are
                    came = f"has the name {name!r}"
                    raise fault(self.file, self.place, came, "names in UTF-8", DAMAGED)
            return sorted(names)

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
        return Group(entry, self.file, self.at(name), self._known)

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
            check_storage(entry, self._held(entry), self.file, self.at(name))
        return entry

    def _held(self, entry: Any) -> Object:
        return self._known.objects[h5py.h5o.get_info(entry.id).addr]

    def address(self, name: str) -> int:
        """A number that only the object ``name`` has in its file, whatever its other names."""
        entry = self._entry(name)
        with translated(self.file, self.at(name)):
            return h5py.h5o.get_info(entry.id).addr

    def array(self, name: str) -> np.ndarray:
        """The real numbers of a dataset, of any shape, in the dtype of the file."""
        entry, place = self.dataset(name), self.at(name)
        with translated(self.file, place):
            dtype, held = entry.dtype, self._held(entry)
            if dtype.kind not in "fiub" or dtype == np.float16 or dtype.itemsize > 8:
                raise self.fault(name, f"has dtype {dtype}", "real numbers", DAMAGED)
            # numbers of a byte or two become four bytes
            entries = max(math.prod(entry.shape), len(held.chunks) * held.chunk // dtype.itemsize)
            self._known.budget.spend(entries * max(4, dtype.itemsize), place)
            check_chunks(held, self.file, place)
            return np.asarray(entry[()])

    def numbers(self, name: str) -> np.ndarray:
        """The numbers of a dataset, of any shape, finite."""
        value = self.array(name)
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise self.fault(name, "holds NaN or infinity", "finite numbers", "train again")
        return value

    def whole(self, name: str, low: int, high: int, dtype: DTypeLike = np.int64) -> np.ndarray:
        """The whole numbers of a dataset within ``[low, high]``, of any shape, read-only."""
        key = self.address(name), low, high, np.dtype(dtype)
        if key in self._known.cache:
            value = self._known.cache[key]
            self._known.budget.spend(value.nbytes, self.at(name))
            return value
        value = self.numbers(name)
        bad = (value < low) | (value > high)
        if not bad.any():
            made = value.astype(dtype)
            bad = made != value
        if bad.any():
            came = f"holds {value[bad].flat[0]}"
            expected = f"whole numbers in [{low}, {high}]"
            raise self.fault(name, came, expected, "quantise the network before the export")
        made.flags.writeable = False
        self._known.cache[key] = made
        return made

    def one(self, name: str, low: int, high: int) -> int:
        """The only whole number of a dataset."""
        value = self.whole(name, low, high)
        if value.size != 1:
            raise self.fault(name, f"has shape {value.shape}", "one number", DAMAGED)
        return int(value.reshape(()))

    def text(self, name: str) -> str:
        """The only text of a dataset, of fixed or variable length."""
        entry, place = self.dataset(name), self.at(name)
        with translated(self.file, place):
            form = h5py.check_string_dtype(entry.dtype)
            if form is None or math.prod(entry.shape) != 1:
                came = f"has dtype {entry.dtype} and shape {entry.shape}"
                raise self.fault(name, came, "one text", DAMAGED)
            held = self._held(entry)
            length = held.texts if form.length is None else form.length
            if length is None or held.chunks:
                raise self.fault(name, "is stored in chunks", "a plain text", "write it plainly")
            if form.length is not None and length > LONGEST_TEXT:
                raise self.fault(name, f"is a text of {length} bytes", "a name", DAMAGED)
            self._known.budget.spend(length, place)
            return text_of(entry[()])

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
        """Small attributes: numbers, texts and rows of numbers; others are left out.

        Raises:
          NetworkFileError: one holds nothing, or they are too many or too large.
        """
        found: dict[str, Any] = {}
        with translated(self.file, self.place):
            attributes, sizes = self._group.attrs, self._held(self._group).attributes
            if len(attributes) > MOST_NAMES:
                came = f"has {len(attributes)} attributes"
                raise fault(self.file, self.place, came, f"at most {MOST_NAMES}", DAMAGED)
            for name in sorted(attributes):
                held, size = attributes.get_id(name), sizes.get(name)
                if held.shape is None or 0 in held.shape:
                    came = f"has the attribute {shown(name)}, which is empty"
                    raise self.fault("", came, "a number or a text", "remove it")
                if size is None or not is_kept(held):
                    continue
                self._known.budget.spend(size, f"{self.place}@{name}")
                found[name] = plain(attributes[name])
        return found
