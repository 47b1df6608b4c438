"""The file into which a download goes until it is whole."""

import contextlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from jslayer.io.locks import still_there, try_lock
from jslayer.io.replace import naming

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Partial:
    """``<path>.part``, open for us alone, never a link to something else.

    Attributes:
      path: Where it lies.
    """

    def __init__(self, path: Path, file: io.BufferedRandom):
        self.path, self._file, self._is_done = path, file, False

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return os.fstat(self._file.fileno()).st_size

    def cut(self, size: int = 0) -> None:
        """Keeps the first bytes alone."""
        self._file.truncate(size)

    def append(self, content: bytes) -> None:
        """Adds bytes at its end.

        Raises:
          Unwritable: The system says why.
        """
        try:
            with naming(self.path):
                self._file.seek(0, os.SEEK_END)
                self._file.write(content)
                self._file.flush()
        except OSError as error:
            raise Unwritable(error) from error

    def finish(self, path: Path) -> None:
        """Gives it its name for good."""
        with naming(path):
            os.fsync(self._file.fileno())
            if os.name == "nt":  # which renames no open file
                self._file.close()
            os.replace(self.path, path)
        self._is_done = True

    def tidy(self) -> None:
        """Removes it where it holds nothing."""
        if not self._is_done and not self.size:
            self.path.unlink(missing_ok=True)

    def content(self) -> io.BufferedRandom:
        """The file, from its start."""
        self._file.seek(0)
        return self._file


class Unwritable(Exception):
    """An error of the disk, which no other attempt mends."""

    def __init__(self, error: OSError):
        super().__init__(str(error))
        self.error = error


@contextlib.contextmanager
def partial_of(path: Path) -> Iterator[Partial]:
    """Opens ``<path>.part``; links, and whatever else is no plain file of ours, are removed first.

    An empty one does not stay.

    Raises:
      BlockingIOError: Somebody else downloads the same file.
      IsADirectoryError: There is a folder of that name.
    """
    partial = path.with_name(path.name + ".part")
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(partial)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(
                f"`path` is {path}, beside which {partial.name} is a folder, expected a file or "
                "nothing; remove it."
            )
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            partial.unlink()
    while True:
        file = open(os.open(partial, _FLAGS, 0o666), "r+b")
        taken = try_lock(file.fileno()) is False
        # one that ended just now may have given it its name between our opening and locking it
        if taken or still_there(file.fileno(), partial):
            break
        file.close()
    with file:
        if taken:
            raise BlockingIOError(
                f"`path` is {path}, which somebody else downloads just now, expected one download "
                "at a time; wait for it."
            )
        made = Partial(partial, file)
        try:
            yield made
        finally:
            made.tidy()
