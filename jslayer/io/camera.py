"""Recordings of event cameras, ``.aedat4``, ``.raw`` and ``.es``, decoded by the package ``faery``.

``faery`` needs NumPy alone, is maintained, and decodes AEDAT 4 (iniVation), EVT 2, 2.1 and 3
(Prophesee) and Event Stream. Some damaged recordings end its process, so that it runs in one of
its own.
"""

from pathlib import Path
from typing import Any

from jslayer._addresses import install

from .decoding import decoded
from .event import Event
from .files import PathLike, events_of, existing
from .limits import limit_of


def read_aedat4(
    path: PathLike, *, first_at_zero: bool = True, max_bytes: int | None = None
) -> Event:
    """Reads the events of an AEDAT 4 file, as iniVation's cameras write them.

    Args:
      path: An ``.aedat4`` file; of several event streams the first is taken.
      first_at_zero: Count time from the first event, for these files count it from 1970.
      max_bytes: Bytes that its events may have, 13 each; ``None``: 16 times the size of the file,
        but at least 128 MiB and at most 2 GiB.

    Returns:
      A 2-d set, channel 1 for ON.

    Raises:
      ImportError: faery is not installed.
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file is damaged, of another format, or larger than it may be.
    """
    return _decode(path, "aedat", first_at_zero, max_bytes)


def read_raw(path: PathLike, *, first_at_zero: bool = False, max_bytes: int | None = None) -> Event:
    """Reads the events of a Prophesee ``.raw`` file (EVT 2, EVT 2.1 or EVT 3).

    Args:
      path: A ``.raw`` file; its header says which of the encodings it has.
      first_at_zero: Count time from the first event instead of from the camera's start.
      max_bytes: Bytes that its events may have, 13 each; ``None``: 16 times the size of the file,
        but at least 128 MiB and at most 2 GiB.

    Returns:
      A 2-d set, channel 1 for ON.

    Raises:
      ImportError: faery is not installed.
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file is damaged, of another format, or larger than it may be.
    """
    if not _names_encoding(existing(path)):
        raise ValueError(
            f"`path` is {path} without a header that names its encoding, expected a line "
            "'% evt 3.0' or '% format EVT3;..'; record it anew, or add that line."
        )
    return _decode(path, "evt", first_at_zero, max_bytes)


def read_es(path: PathLike, *, first_at_zero: bool = False, max_bytes: int | None = None) -> Event:
    """Reads the change events of an Event Stream file.

    Args:
      path: An ``.es`` file of a camera with polarities (kinds DVS and ATIS).
      first_at_zero: Count time from the first event.
      max_bytes: Bytes that its events may have, 13 each; ``None``: 16 times the size of the file,
        but at least 128 MiB and at most 2 GiB.

    Returns:
      A 2-d set, channel 1 for ON.

    Raises:
      ImportError: faery is not installed.
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file is damaged, of another format, or larger than it may be.
    """
    return _decode(path, "es", first_at_zero, max_bytes)


def _names_encoding(path: Path) -> bool:
    with open(path, "rb") as file:
        while (line := file.readline(4096)).startswith(b"% "):
            if line.startswith((b"% evt ", b"% format EVT")):
                return True
    return False


def _decode(path: PathLike, kind: str, first_at_zero: bool, max_bytes: int | None) -> Event:
    path = existing(path)
    dtype = _faery().EVENTS_DTYPE
    array = decoded(path, kind, dtype, limit_of(path.stat().st_size, max_bytes))
    microseconds = array["t"]
    if first_at_zero and len(array):
        microseconds = microseconds - microseconds.min()
    return events_of(path, array["x"], array["y"], array[dtype.names[-1]], microseconds / 1000)


def _faery() -> Any:
    try:
        import faery
    except ImportError as error:
        raise ImportError(f"Camera recordings need faery: {install('camera')}.") from error
    return faery
