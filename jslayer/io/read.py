"""One reader and one writer for every event file, chosen by the suffix."""

from collections.abc import Callable, Mapping
from pathlib import Path

from .binary import encode_1d_spikes, encode_2d_spikes, read_1d_spikes, read_2d_spikes
from .camera import read_aedat4, read_raw
from .dat import encode_dat, read_dat
from .event import Event
from .files import PathLike
from .npz_file import encode_npz_spikes, read_npz_spikes
from .numpy_file import encode_np_spikes, read_np_spikes

_READERS: Mapping[str, Callable[[PathLike], Event]] = {
    ".bs1": read_1d_spikes,
    ".bs2": read_2d_spikes,
    ".bin": read_2d_spikes,
    ".npy": read_np_spikes,
    ".npz": read_npz_spikes,
    ".dat": read_dat,
    ".raw": read_raw,
    ".aedat4": read_aedat4,
}
_WRITERS: Mapping[str, Callable[[PathLike, Event], None]] = {
    ".bs1": encode_1d_spikes,
    ".bs2": encode_2d_spikes,
    ".bin": encode_2d_spikes,
    ".npy": encode_np_spikes,
    ".npz": encode_npz_spikes,
    ".dat": encode_dat,
}


def read(path: PathLike) -> Event:
    """Reads an event file of any format.

    Args:
      path: A ``.bs1`` (ids), ``.bs2`` or ``.bin`` (pixels), ``.npy`` or ``.npz`` (both) file, or
        a recording of a camera, ``.aedat4``, ``.raw`` or ``.dat``. Spike counts, ``.bsn``, are no
        events; see ``read_spike_counts``.

    Returns:
      The events.

    Raises:
      ImportError: The package that decodes the format is not installed.
      ValueError: The suffix is not known, or the content does not fit the format.
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
    """
    return _READERS[_suffix(path, _READERS)](path)


def write(path: PathLike, event: Event) -> None:
    """Writes an event file.

    Args:
      path: A name that ends in ``.bs1``, ``.bs2``, ``.bin``, ``.npy``, ``.npz`` or ``.dat``. Only
        ``.npz`` holds payloads. The file is replaced only when all is well.
      event: What the format holds.

    Raises:
      ValueError: The suffix is not known, or an event does not fit the format.
      FileNotFoundError: The folder does not exist.
    """
    _WRITERS[_suffix(path, _WRITERS)](path, event)


def _suffix(path: PathLike, known: Mapping[str, object]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise ValueError(
            f"`path` is {path} with the suffix {suffix!r}, expected one of "
            f"{', '.join(known)}; call the function of its format."
        )
    return suffix
