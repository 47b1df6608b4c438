"""Unpacking an archive from elsewhere without trusting it."""

import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from jslayer.io.files import PathLike, existing

_CHUNK = 2**20


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
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = _checked(opened.infolist(), max_bytes, max_files)
            chosen = PurePosixPath(below).parts
            files = [
                (entry, made.joinpath(*parts[len(chosen) :]))
                for entry, parts in entries
                if parts[: len(chosen)] == chosen and len(parts) > len(chosen)
            ]
            if not files:
                raise FileNotFoundError(
                    f"`below` is {below!r}, where {archive} has no file, expected some; look into "
                    "the archive for the name."
                )
            left = max_bytes
            for entry, place in files:
                left -= _write(opened, entry, place, left)
        # Folders made by mkdtemp are for their owner alone.
        made.chmod(0o755)
        made.rename(folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise ValueError(
            f"`archive` is {archive}, expected a zip archive, but it is damaged ({error}); "
            "download it again."
        ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _checked(
    entries: list[zipfile.ZipInfo], max_bytes: int, max_files: int
) -> list[tuple[zipfile.ZipInfo, tuple[str, ...]]]:
    stated = sum(entry.file_size for entry in entries)
    if len(entries) > max_files or stated > max_bytes:
        raise ValueError(
            f"`archive` has {len(entries)} entries and {stated} bytes, expected at most "
            f"{max_files} and {max_bytes}; raise the limits if you trust it."
        )
    found = []
    for entry in entries:
        name, parts = entry.filename, PurePosixPath(entry.filename).parts
        kind = stat.S_IFMT(entry.external_attr >> 16)
        outside = ".." in parts or name.startswith("/") or "\\" in name or ":" in name
        if outside or "\0" in entry.orig_filename or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ValueError(
                f"`archive` has the entry {entry.orig_filename!r}, expected plain files inside of "
                "the folder; the archive is not to be trusted."
            )
        if entry.flag_bits & 1:
            raise ValueError(
                f"`archive` has the entry {name!r}, which is encrypted, expected a plain one; "
                "unpack it by hand."
            )
        if not entry.is_dir():
            found.append((entry, parts))
    return found


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path, left: int) -> int:
    place.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with opened.open(entry) as source, open(place, "xb") as file:
        while chunk := source.read(_CHUNK):
            count += len(chunk)
            if count > left:  # the stated sizes may lie
                raise ValueError(
                    f"`archive` unpacks to more than its limit at {entry.filename!r}, expected "
                    "less; raise `max_bytes` if you trust it."
                )
            file.write(chunk)
    return count
