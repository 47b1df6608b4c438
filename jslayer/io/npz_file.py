"""Event files ``.npz`` of NumPy: arrays x, (y,) c, t in milliseconds and (p), nothing lost."""

import zipfile

import numpy as np

from .event import Event
from .files import PathLike, events_of, existing, replacing
from .limits import limit_of
from .npy import read_npy
from .text import shown


def read_npz_spikes(path: PathLike, *, max_bytes: int | None = None) -> Event:
    """Reads events from an ``.npz`` file.

    Args:
      path: A file with the arrays ``x``, ``c``, ``t`` (in milliseconds) and, where they apply,
        ``y`` and ``p``, each ``[events]``. Arrays of other names stay packed.
      max_bytes: Bytes that they may have together, unpacked; ``None``: 16 times the size of the
        file, but at least 128 MiB and at most 2 GiB.

    Raises:
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file is no such archive, an array is missing or no row of numbers, or they
        have more bytes.
    """
    path = existing(path)
    left = limit_of(path.stat().st_size, max_bytes)
    arrays: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            for name in "xyctp":
                if f"{name}.npy" in names:
                    arrays[name] = _member(archive, f"{name}.npy", left)
                    left -= arrays[name].nbytes
    except PermissionError:
        raise
    except Exception as error:  # of many kinds, for archives that are none
        raise ValueError(
            f"`path` is {path}, expected an .npz file of numbers, which it is not "
            f"({shown(error, 200)}); save it with np.savez or encode_npz_spikes, or pass a larger "
            "`max_bytes` if you trust it."
        ) from error
    if missing := [name for name in "xct" if name not in arrays]:
        raise ValueError(
            f"`path` is {path} with the arrays {sorted(arrays)}, expected also {missing}; save x, "
            "c and t, and y and p where the events have them."
        )
    return events_of(path, *(arrays.get(name) for name in "xyctp"))


def _member(archive: zipfile.ZipFile, name: str, left: int) -> np.ndarray:
    entry = archive.getinfo(name)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in another way than NumPy does")
    with archive.open(entry) as stream:
        try:
            return read_npy(stream, left)
        except ValueError as error:
            raise ValueError(f"{name} has {error}") from error


def encode_npz_spikes(path: PathLike, event: Event) -> None:
    """Writes events to an ``.npz`` file, payloads included; equal events give equal bytes.

    Args:
      path: The file, replaced only when all is well. No suffix is appended.
      event: 1-d or 2-d, binary or graded.

    Raises:
      FileNotFoundError: The folder does not exist.
    """
    arrays = {name: a for name in "xyctp" if (a := getattr(event, name)) is not None}
    with replacing(path) as file:
        np.savez(file, **arrays)
