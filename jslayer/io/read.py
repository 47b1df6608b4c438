"""One reader for every event file, chosen by the suffix."""

from pathlib import Path

from .binary import read_1d_spikes, read_2d_spikes
from .event import Event
from .files import PathLike
from .numpy_file import read_np_spikes

_READERS = {
    ".bs1": read_1d_spikes,
    ".bs2": read_2d_spikes,
    ".bin": read_2d_spikes,
    ".npy": read_np_spikes,
}


def read(path: PathLike) -> Event:
    """Reads an event file of any format.

    Args:
      path: A ``.bs1`` (ids), ``.bs2`` or ``.bin`` (pixels) or ``.npy`` (both) file.

    Returns:
      The events.

    Raises:
      ValueError: The suffix is not known, or the content does not fit the format.
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _READERS:
        raise ValueError(
            f"`path` is {path} with the suffix {suffix!r}, expected one of "
            f"{', '.join(_READERS)}; call the reader of its format."
        )
    return _READERS[suffix](path)
