"""Locks that end with their process, on files that somebody has open.

They are those of ``flock``: between threads, processes and, on network file systems of Linux,
machines. Systems without it (Windows) take no locks; files that are open cannot be removed there.
"""

import errno
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CLAIM = ".jslayer.lock"
"""Name of the file that says that somebody writes into a folder."""


def try_lock(handle: int) -> bool | None:
    """Locks an open file until it is closed, unless somebody else has.

    Returns:
      ``False`` if somebody else has it locked, ``None`` where files cannot be locked.
    """
    return None if fcntl is None else _flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def share_lock(handle: int) -> None:
    """Locks an open file until it is closed, against `try_lock` but not against those who read.

    HDF5 locks a file that it reads; so this may stay over the moment at which the file gets the
    name under which it is read.
    """
    if fcntl is not None:
        _flock(handle, fcntl.LOCK_SH)


def share_now(handle: int) -> bool | None:
    """As `share_lock`, without waiting.

    Returns:
      ``False`` if somebody writes the file, ``None`` where files cannot be locked.
    """
    return None if fcntl is None else _flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _flock(handle: int, operation: int) -> bool | None:
    try:
        fcntl.flock(handle, operation)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True


def still_there(handle: int, path: Path) -> bool:
    """Whether ``path`` is still the file that is open, not removed and perhaps made anew."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


class Claim:
    """A folder into which only one may write, until `release` or the end of the process.

    Args:
      folder: A folder that exists.
      name: The argument that named it, for the error.

    Raises:
      BlockingIOError: Somebody else writes into it.
    """

    def __init__(self, folder: str | os.PathLike[str], *, name: str = "folder"):
        self._path, self._process = Path(folder) / CLAIM, os.getpid()
        while True:
            self._handle: int | None = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            taken = try_lock(self._handle)
            # one that ended just now may have removed the file between our opening and locking it
            if taken is False or still_there(self._handle, self._path):
                break
            os.close(self._handle)
        if taken is False:
            os.close(self._handle)
            self._handle = None
            raise BlockingIOError(
                f"`{name}` is {folder}, into which another training run writes, expected a folder "
                "of its own for each; wait for the other, end it, or pass another folder."
            )

    def release(self) -> None:
        """Lets others write."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            # While it is still locked, so that nobody can have taken it over already; and not by
            # a forked child, whose copy of this object is not the run.
            if os.getpid() == self._process:
                self._path.unlink(missing_ok=True)
            os.close(handle)

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.release()
