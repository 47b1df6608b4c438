"""Opening event files with clear errors, and writing them whole or not at all."""

import os
from pathlib import Path
from typing import Any

from .event import Event
from .replace import replacing as replacing
from .text import shown

PathLike = str | os.PathLike[str]


def existing(path: PathLike) -> Path:
    """Returns ``path`` if it is a file that can be read.

    Raises:
      FileNotFoundError: There is nothing at ``path``.
      IsADirectoryError: ``path`` is a folder.
      ValueError: ``path`` is a pipe or a device, which may never end.
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
    if not path.is_file():
        raise ValueError(
            f"`path` is {path}, a pipe or a device, expected a regular file; copy it to one first."
        )
    return path


def events_of(path: PathLike, *arrays: Any) -> Event:
    """The events of a file, whose arrays may be of any kind.

    Raises:
      ValueError: They make no set of events; names the file.
    """
    try:
        return Event(*arrays)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`path` is {path}, whose events cannot be ({shown(error, 200)}), expected places and "
            "times that are finite numbers; record or save them again."
        ) from error
