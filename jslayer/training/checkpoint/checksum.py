"""Checksums of checkpoints: SHA-256 over all that a file or a folder holds."""

import hashlib
from pathlib import Path

from jslayer.io.replace import replacing

MARK = b"jslayer checkpoint 1, sha256 "
"""Start of the line before the content of a checkpoint file; the checksum follows, in hex."""

LISTING = "checksums.sha256"
"""File in a folder, in the format of ``sha256sum``."""


def header(content: bytes) -> bytes:
    """The line that stands before a content."""
    return MARK + hashlib.sha256(content).hexdigest().encode() + b"\n"


def checked(file: bytes) -> memoryview:
    """The content of a checkpoint file; one that has no such line is taken as it is.

    Raises:
      ValueError: the checksum is that of another content.
    """
    whole = memoryview(file)
    if not file.startswith(MARK):
        return whole
    length = len(MARK) + 65
    if bytes(whole[:length]) != header(whole[length:]):
        raise ValueError("the checksum does not fit")
    return whole[length:]


def list_folder(folder: Path) -> None:
    """Writes the checksums of all files of a folder into its file `LISTING`."""
    lines = (f"{_of_file(path)}  {name}\n" for name, path in sorted(_files(folder).items()))
    with replacing(folder / LISTING) as file:
        file.write("".join(lines).encode())


def check_folder(folder: Path) -> bool:
    """Compares all files of a folder with its `LISTING`.

    Returns:
      ``False`` if it has none.

    Raises:
      ValueError: a file is missing, changed or not listed, or the listing is damaged.
      OSError: a file cannot be read.
    """
    listing = folder / LISTING
    if not listing.is_file():
        return False
    wanted = {}
    for line in listing.read_bytes().decode("utf-8").splitlines():
        digest, _, name = line.partition("  ")
        wanted[name] = digest
    found = _files(folder)
    if wanted.keys() != found.keys():
        raise ValueError(f"{LISTING} lists other files than there are")
    for name, path in found.items():
        if _of_file(path) != wanted[name]:
            raise ValueError(f"the checksum of {name} does not fit")
    return True


def _files(folder: Path) -> dict[str, Path]:
    """All files by their name in the folder, without hidden ones: those of file managers."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: path
        for name, path in paths.items()
        if path.is_file() and name != LISTING and not path.name.startswith(".")
    }


def _of_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
