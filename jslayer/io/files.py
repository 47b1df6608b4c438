"""Opening event files with clear errors, and writing them whole or not at all."""

import os
from pathlib import Path

from .replace import replacing as replacing

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
