"""Recordings of event cameras, ``.aedat4`` and ``.raw``, decoded by the package ``faery``.

``faery`` needs NumPy alone, is maintained, and decodes AEDAT 4 (iniVation) and EVT 2, 2.1 and 3
(Prophesee). It is imported when a file is read, not before.
"""

from pathlib import Path
from typing import Any

from .event import Event
from .files import PathLike, existing


def read_aedat4(path: PathLike, *, first_at_zero: bool = True) -> Event:
    """Reads the events of an AEDAT 4 file, as iniVation's cameras write them.

    Args:
      path: An ``.aedat4`` file; of several event streams the first is taken.
      first_at_zero: Count time from the first event, for these files count it from 1970.

    Returns:
      A 2-d set, channel 1 for ON.

    Raises:
      ImportError: faery is not installed.
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file is damaged or of another format.
    """
    return _decode(path, "aedat", first_at_zero)


def read_raw(path: PathLike, *, first_at_zero: bool = False) -> Event:
    """Reads the events of a Prophesee ``.raw`` file (EVT 2, EVT 2.1 or EVT 3).

    Args:
      path: A ``.raw`` file; its header says which of the encodings it has.
      first_at_zero: Count time from the first event instead of from the camera's start.

    Returns:
      A 2-d set, channel 1 for ON.

    Raises:
      ImportError: faery is not installed.
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file is damaged or of another format.
    """
    header = _header(existing(path))
    if not any(line.startswith((b"% evt ", b"% format EVT")) for line in header):
        raise ValueError(
            f"`path` is {path} without a header that names its encoding, expected a line "
            "'% evt 3.0' or '% format EVT3;..'; record it anew, or add that line."
        )
    return _decode(path, "evt", first_at_zero)


def _header(path: Path) -> list[bytes]:
    lines = []
    with open(path, "rb") as file:
        while (line := file.readline(4096)).startswith(b"% "):
            lines.append(line)
    return lines


def _decode(path: PathLike, file_type: str, first_at_zero: bool) -> Event:
    path = existing(path)
    faery = _faery()
    try:
        array = faery.events_stream_from_file(path, file_type=file_type).to_array()
    # The decoder panics, with an exception of its own beside `Exception`, on what it cannot take.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit | MemoryError):
            raise
        raise ValueError(
            f"`path` is {path}, expected an event recording, which it is not ({error}); "
            "check the suffix, or record it again."
        ) from error
    microseconds = array["t"].astype("int64")
    if first_at_zero and len(array):
        microseconds -= microseconds.min()
    return Event(array["x"], array["y"], array["p"], microseconds / 1000)


def _faery() -> Any:
    try:
        import faery
    except ImportError as error:
        raise ImportError('Camera recordings need faery: pip install "jslayer[camera]".') from error
    return faery
