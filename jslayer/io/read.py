"""One reader and one writer for every event file, chosen by the suffix."""

from collections.abc import Callable, Mapping
from pathlib import Path

from .binary import encode_1d_spikes, encode_2d_spikes, read_1d_spikes, read_2d_spikes
from .camera import read_aedat4, read_es, read_raw
from .csv_file import read_csv
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
    ".es": read_es,
    ".csv": read_csv,
}
SUFFIXES = tuple(_READERS)
"""Endings that `read` knows."""

EXTRAS = {".raw": "camera", ".aedat4": "camera", ".es": "camera"}
"""The extra that a format needs; the others need none."""
_WRITERS: Mapping[str, Callable[[PathLike, Event], None]] = {
    ".bs1": encode_1d_spikes,
    ".bs2": encode_2d_spikes,
    ".bin": encode_2d_spikes,
    ".npy": encode_np_spikes,
    ".npz": encode_npz_spikes,
    ".dat": encode_dat,
}


def read(path: PathLike) -> Event:
    """Reads an event file of any format, by its suffix.

    =================  =======================================  ============
    suffix             what it is                               needs
    =================  =======================================  ============
    ``.bs1``           ids, as SLAYER writes them               nothing
    ``.bs2, .bin``     pixels, as SLAYER and N-MNIST have them  nothing
    ``.npy``           either, an array of NumPy                nothing
    ``.npz``           either, payloads too                     nothing
    ``.csv``           text, a line for each event              nothing
    ``.dat``           Prophesee's DAT 2                        nothing
    ``.raw``           Prophesee's EVT 2, 2.1 and 3             extra camera
    ``.aedat4``        iniVation's AEDAT 4                      extra camera
    ``.es``            Event Stream                             extra camera
    =================  =======================================  ============

    The function of a format, such as ``read_csv``, has more options. Spike counts, ``.bsn``, are
    no events; see ``read_spike_counts``.

    Args:
      path: The file.

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
        camera = [name for name in known if name in EXTRAS]
        extra = f" ({', '.join(camera)} with the extra camera)" if camera else ""
        raise ValueError(
            f"`path` is {path} with the suffix {suffix!r}, expected one of "
            f"{', '.join(known)}{extra}; call the function of its format."
        )
    return suffix
