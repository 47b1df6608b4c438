"""Opening event files with clear errors, and writing them whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PathLike = str | os.PathLike[str]


def existing(path: PathLike) -> Path:
    """Returns ``path`` if it is a file that can be read.

    Raises:
      FileNotFoundError: There is nothing at ``path``.
      IsADirectoryError: ``path`` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            f"`path` is the folder {path}, expected an event file; give one of the files in it."
        )
    if not path.exists():
        raise FileNotFoundError(
            f"`path` is {path}, where nothing exists, expected an event file; check the name."
        )
    return path


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[BinaryIO]:
    """Opens a file that takes the place of ``path`` when the block ends without an error.

    Until then, and after an error, what was at ``path`` stays untouched.

    Raises:
      FileNotFoundError: The folder of ``path`` does not exist.
      IsADirectoryError: ``path`` is a folder.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(
            f"`path` is the folder {path}, expected the name of a file; append one."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`path` is {path}, whose folder does not exist, expected one that does; create it."
        )
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as file:
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
