"""Event files ``.npz`` of NumPy: arrays x, (y,) c, t in milliseconds and (p), nothing lost."""

import zipfile

import numpy as np

from .event import Event
from .files import PathLike, existing, replacing


def read_npz_spikes(path: PathLike) -> Event:
    """Reads events from an ``.npz`` file.

    Args:
      path: A file with the arrays ``x``, ``c``, ``t`` (in milliseconds) and, where they apply,
        ``y`` and ``p``, each ``[events]``.

    Raises:
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file is no such archive, or an array is missing.
    """
    path = existing(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, OSError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"`path` is {path}, expected an .npz file of numbers, which it is not ({error}); "
            "save it with np.savez or encode_npz_spikes."
        ) from error
    if missing := [name for name in "xct" if name not in arrays]:
        raise ValueError(
            f"`path` is {path} with the arrays {sorted(arrays)}, expected also {missing}; save x, "
            "c and t, and y and p where the events have them."
        )
    return Event(arrays["x"], arrays.get("y"), arrays["c"], arrays["t"], arrays.get("p"))


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
