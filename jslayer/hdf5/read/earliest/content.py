"""The bytes of a file, and of a message in it, which never give more than there is."""

import mmap
import struct

from jslayer.hdf5.errors import DAMAGED, NetworkFileError, fault

NOWHERE = 2**64 - 1
"""Address of what is not there."""

REWRITE = 'copy it into a file of h5py.File(..., "w", libver="earliest", track_order=False)'
"""What to do about newer formats."""


class Content:
    """The bytes of a file; all blocks together are as long as the file at most.

    So whoever goes from block to block ends after time in proportion to the size of the file, even
    where blocks overlap or lead in circles.

    Attributes:
      file: Name of the file, for messages.
      size: Its bytes.
      place: Name of the object that is looked at, for messages.
    """

    def __init__(self, content: mmap.mmap | bytes, file: str):
        self._content = content
        self.file = file
        self.size = len(content)
        self.place = ""
        self._left = self.size
        self._seen: set[int] = set()

    def broken(self, what: str, at: int) -> NetworkFileError:
        """The error of a block that is not what it should be."""
        came = f"has a broken {what} at byte {at}"
        return fault(self.file, self.place, came, "a sound hdf5 file", DAMAGED)

    def newer(self, what: str, at: int) -> NetworkFileError:
        """The error of a block that the earliest format does not have."""
        came = f"is of a newer hdf5 format ({what} at byte {at})"
        return fault(self.file, self.place, came, "the earliest", REWRITE)

    def peek(self, at: int, size: int, what: str) -> bytes:
        """A few bytes, which may be looked at again."""
        if at + size > self.size:
            raise self.broken(what, at)
        return self._content[at : at + size]

    def block(self, at: int, size: int, what: str) -> bytes:
        """The bytes of a block, once."""
        found = self.peek(at, size, what)
        self._left -= size
        if at in self._seen or self._left < 0:
            raise self.broken(f"{what}, met before,", at)
        self._seen.add(at)
        return found

    def holds(self, at: int, size: int) -> bool:
        """True where the file is long enough for a block."""
        return at + size <= self.size

    def find(self, what: bytes, start: int) -> int:
        """Where ``what`` is found from ``start`` on; -1 where it is not."""
        return self._content.find(what, start)


class Short(Exception):
    """A message that ends too early, or says what cannot be."""


class Cursor:
    """Reads the bytes of a message from left to right.

    Attributes:
      at: Bytes read.
    """

    def __init__(self, content: bytes):
        self._content = content
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._content) - self.at

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size > self.left:
            raise Short
        self.at += size
        return self._content[self.at - size : self.at]

    def numbers(self, form: str) -> tuple[int, ...]:
        """The next numbers, little-endian, as `struct` has them."""
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))

    def name(self, multiple: int = 1) -> bytes:
        """The next text, which ends with a zero, padded to a multiple of bytes."""
        end = self._content.find(b"\0", self.at)
        if end < 0:
            raise Short
        text = self._content[self.at : end]
        self.take(-(-(len(text) + 1) // multiple) * multiple)
        return text
