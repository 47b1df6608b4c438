"""Unpacking an archive from elsewhere without trusting it."""

import contextlib
import errno
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from jslayer.io.files import PathLike, existing
from jslayer.io.replace import naming
from jslayer.io.text import shown

_CHUNK, _SMALL_CHUNK = 2**20, 2**12
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
"""Errors of the disk, not of the archive."""


def unzip(
    archive: PathLike,
    folder: PathLike,
    *,
    below: str = "",
    max_bytes: int = 2**33,
    max_files: int = 2**18,
) -> Path:
    """Unpacks a zip archive into a folder that appears only when it is complete.

    Args:
      archive: The zip file.
      folder: The new folder; there must be nothing yet.
      below: Take only what lies in this folder of the archive, as the content of ``folder``.
      max_bytes: Most bytes that all files may have together, as unpacked.
      max_files: Most entries.

    Returns:
      ``folder``.

    Raises:
      FileExistsError: There is something at ``folder``.
      FileNotFoundError: There is no such archive, or nothing in it lies ``below``.
      ValueError: The archive is damaged, too large, encrypted, or has entries that are links or
        would land outside of ``folder``.
    """
    archive, folder = existing(archive), Path(folder)
    if folder.exists():
        raise FileExistsError(
            f"`folder` is {folder}, where something exists, expected nothing yet; remove it."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name[:64]}.", dir=folder.parent))
    try:
        _unpack(archive, made, PurePosixPath(below).parts, max_bytes, max_files)
        # Folders made by mkdtemp are for their owner alone.
        made.chmod(0o755)
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _unpack(
    archive: Path, made: Path, chosen: tuple[str, ...], max_bytes: int, max_files: int
) -> None:
    with _opened(archive) as opened:
        entries = _checked(archive, opened.infolist(), max_bytes, max_files)
        files = [
            (entry, made.joinpath(*parts[len(chosen) :]))
            for entry, parts in entries
            if parts[: len(chosen)] == chosen and len(parts) > len(chosen)
        ]
        if not files:
            raise FileNotFoundError(
                f"`below` is {'/'.join(chosen)!r}, where {archive} has no file, expected some; "
                "look into the archive for the name."
            )
        left = max_bytes
        for entry, place in files:
            with _placed(archive, entry, place) as file:
                for part in _content(archive, opened, entry):
                    left -= len(part)
                    if left < 0:  # the stated sizes may lie
                        raise ValueError(
                            f"`archive` is {archive}, which unpacks to more than its limit at "
                            f"{_name(entry)}, expected less; raise `max_bytes` if you trust it."
                        )
                    file.write(part)


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        opened = zipfile.ZipFile(archive)
    except PermissionError:
        raise
    except Exception as error:  # of many kinds, for bytes that are no archive
        raise _damaged(archive, error) from error
    with opened:
        yield opened


def _damaged(archive: Path, error: Exception) -> ValueError:
    reason = f"{type(error).__name__}: {shown(error)}"
    return ValueError(
        f"`archive` is {archive}, expected a zip archive, but it is damaged ({reason}); download "
        "it again."
    )


def _checked(
    archive: Path, entries: list[zipfile.ZipInfo], max_bytes: int, max_files: int
) -> list[tuple[zipfile.ZipInfo, tuple[str, ...]]]:
    stated = sum(entry.file_size for entry in entries)
    if len(entries) > max_files or stated > max_bytes:
        raise ValueError(
            f"`archive` is {archive} with {len(entries)} entries and {stated} bytes, expected at "
            f"most {max_files} and {max_bytes}; raise the limits if you trust it."
        )
    found: dict[tuple[str, ...], zipfile.ZipInfo] = {}
    for entry in entries:
        name, parts = entry.filename, PurePosixPath(entry.filename).parts
        kind = stat.S_IFMT(entry.external_attr >> 16)
        outside = ".." in parts or name.startswith("/") or "\\" in name or ":" in name
        if outside or "\0" in entry.orig_filename or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ValueError(
                f"`archive` is {archive} with the entry {_name(entry)}, expected plain files "
                "inside of the folder; the archive is not to be trusted."
            )
        if entry.flag_bits & 1:
            raise ValueError(
                f"`archive` is {archive} with the entry {_name(entry)}, which is encrypted, "
                "expected a plain one; unpack it by hand."
            )
        if not entry.is_dir():
            if parts in found:
                raise ValueError(
                    f"`archive` is {archive} with the entry {_name(entry)} twice, expected it "
                    "once; the archive is damaged, make or download it again."
                )
            found[parts] = entry
    return [(entry, parts) for parts, entry in found.items()]


def _name(entry: zipfile.ZipInfo) -> str:
    return shown(repr(entry.orig_filename))


@contextlib.contextmanager
def _placed(archive: Path, entry: zipfile.ZipInfo, place: Path) -> Iterator[BinaryIO]:
    """A new file; names that no file can have here are the archive's fault."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        file = open(place, "xb")
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in _FULL:
            raise
        raise ValueError(
            f"`archive` is {archive} with the entry {_name(entry)}, which cannot become a file "
            f"({type(error).__name__}), expected names that the system allows, each once; unpack "
            "it by hand."
        ) from error
    with naming(place), file:
        yield file


def _content(archive: Path, opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of an entry, piece by piece."""
    # of the other methods all that is read at once expands at once
    is_plain = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    size = _CHUNK if is_plain else _SMALL_CHUNK
    try:
        source = opened.open(entry)
        part = source.read(size)
    except Exception as error:  # of many kinds, by the method of compression
        raise _damaged(archive, error) from error
    with source:
        while part:
            yield part
            try:
                part = source.read(size)
            except Exception as error:
                raise _damaged(archive, error) from error
