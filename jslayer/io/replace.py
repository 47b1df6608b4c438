"""Files that are written whole or not at all, whoever writes beside, whenever one is killed."""

import contextlib
import errno
import io
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .locks import share_lock, still_there, try_lock

PREFIX, SUFFIX = ".jslayer-", ".part"
"""Partial files are called so: not after their target, whose name may have any length."""

_ENTRIES_PER_WRITE = 1000
_skip: dict[Path, int] = {}  # writes into a large folder before it is looked through again


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Opens a file that takes the place of ``path`` when the block ends without an error.

    Until then, and after an error, what was at ``path`` stays untouched; whoever reads it finds the
    old file or the new one, whole, also after a power failure. Several threads or processes may
    write one path: the last one to end stays. The old file's mode is kept. What killed writers have
    left in the folder is removed.

    Raises:
      FileNotFoundError: The folder of ``path`` does not exist.
      IsADirectoryError: ``path`` is a folder.
      ValueError: ``path`` is a device, pipe or socket.
      OSError: It cannot be written, e.g. as the disk is full; the error names ``path``.
    """
    path, mode = _target(path)
    _remove_leftovers(path.parent)
    with naming(path):
        partial, handle = _new_file(path.parent, mode)
    try:
        file = io.BufferedWriter(_Sink(handle, path), buffer_size=1 << 18)
        try:
            yield file
            file.flush()
            with naming(path):
                _sync(handle)
                if os.name == "nt":  # which renames no open file, and has no locks to keep
                    file.close()
                os.replace(partial, path)
        finally:
            with contextlib.suppress(OSError):  # of what is left in the buffer after an error
                file.close()
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Errors of the system that name no file, such as that of a full disk, name ``path``."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename == str(path):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _target(path: str | os.PathLike[str]) -> tuple[Path, int | None]:
    """The file behind links, and the mode of what is there."""
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(
            f"`path` is the folder {path}, expected the name of a file; append one."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`path` is {path}, whose folder does not exist, expected one that does; create it."
        )
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return path, None
    if not stat.S_ISREG(mode):
        raise ValueError(
            f"`path` is {path}, a device, pipe or socket, expected the name of a file, which is "
            "replaced when all is written; write a file and copy it there."
        )
    return path, mode & 0o777


def _new_file(folder: Path, mode: int | None) -> tuple[Path, int]:
    """A partial file of our own, locked as long as we live, and its number."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        partial = folder / f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}"
        handle = os.open(partial, flags, 0o666 if mode is None else 0o600)
        share_lock(handle)
        # another writer may have taken it for a leftover before it was locked
        if still_there(handle, partial):
            break
        os.close(handle)
    if mode is not None:
        os.chmod(partial, mode)
    return partial, handle


def _remove_leftovers(folder: Path) -> None:
    if _skip.get(folder, 0) > 0:
        _skip[folder] -= 1
        return
    count = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            count += 1
            if entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX):
                with contextlib.suppress(OSError):
                    _remove_leftover(Path(entry.path))
    if count >= _ENTRIES_PER_WRITE:
        _skip[folder] = count // _ENTRIES_PER_WRITE
    else:
        _skip.pop(folder, None)


def _remove_leftover(partial: Path) -> None:
    """Removes a partial file that nobody writes."""
    handle = os.open(partial, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        if try_lock(handle) and still_there(handle, partial):
            partial.unlink()
    finally:
        os.close(handle)


def _sync(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):  # not on this system
            raise


def _sync_folder(folder: Path) -> None:
    """Makes the new name last, where folders can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class _Sink(io.RawIOBase):
    """An open file whose errors name the file that is to be.

    Without ``fileno``: NumPy and Pillow write past Python where there is one, and tell neither
    file nor reason of an error.
    """

    def __init__(self, handle: int, path: Path):
        self._handle, self._path = handle, path

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data) -> int:
        with naming(self._path):
            return os.write(self._handle, data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return os.lseek(self._handle, offset, whence)

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._handle)
