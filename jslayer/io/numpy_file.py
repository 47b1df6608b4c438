"""Event files of NumPy: float64 ``[events, 3]`` (x, channel, t) or ``[events, 4]`` (x, y, ...)."""

import numpy as np

from jslayer.ops import check

from .event import Event
from .files import PathLike, events_of, existing, replacing
from .npy import read_npy
from .text import shown


def read_np_spikes(path: PathLike, fmt: str = "xypt", time_unit: float = 1e-3) -> Event:
    """Reads events from a NumPy file.

    ``t = (column * time_unit) * 1e3`` in float64. The two products move some times by one unit in
    the last place, and with it some half milliseconds into the other bin, as in lava-dl.

    Args:
      path: A ``.npy`` file with columns x, (y,) channel, time.
      fmt: ``"xypt"``, the only one there is.
      time_unit: Seconds per unit of the time column.

    Returns:
      A 1-d set from three columns, a 2-d set from four; channels as stored.

    Raises:
      FileNotFoundError: There is no such file.
      IsADirectoryError: ``path`` is a folder.
      ValueError: The file is no NumPy array of three or four columns, or an argument is bad.
    """
    check.choice("fmt", fmt, ("xypt",))
    check.positive("time_unit", time_unit)
    path = existing(path)
    try:
        with open(path, "rb") as file:
            array = read_npy(file, path.stat().st_size)
    except PermissionError:
        raise
    except Exception as error:  # of many kinds, for headers that are none
        raise ValueError(
            f"`path` is {path}, expected a .npy file of numbers, which it is not "
            f"({shown(error, 200)}); save it with np.save or encode_np_spikes."
        ) from error
    if array.ndim != 2 or array.shape[1] not in (3, 4):
        raise ValueError(
            f"`path` is {path} with an array of {array.shape}, expected [events, 3] (x, channel, "
            "t) or [events, 4] (x, y, channel, t); save one row per event."
        )
    x, *y, channel, time = array.T
    with np.errstate(over="ignore"):  # then it is infinite, which is refused
        time_ms = (time * time_unit) * 1e3
    return events_of(path, x, y[0] if y else None, channel, time_ms)


def encode_np_spikes(
    path: PathLike, event: Event, fmt: str = "xypt", time_unit: float = 1e-3
) -> None:
    """Writes events to a NumPy file, float64 with columns x, (y,) channel, time.

    Args:
      path: The file, replaced only when all is well. No suffix is appended.
      event: Binary events.
      fmt: ``"xypt"``, the only one there is.
      time_unit: Seconds per unit of the time column.

    Raises:
      ValueError: The events carry payloads, or an argument is bad.
      FileNotFoundError: The folder does not exist.
    """
    check.choice("fmt", fmt, ("xypt",))
    check.positive("time_unit", time_unit)
    if event.p is not None:
        raise ValueError(
            "`event` carries payloads, expected binary events, for the format has no column for "
            "payloads; leave `p` out to drop them, or save the arrays another way."
        )
    place = [event.x] if event.y is None else [event.x, event.y]
    columns = [*place, event.c, np.asarray(event.t) / (time_unit * 1e3)]
    array = np.stack(columns, axis=1).astype(np.float64)
    with replacing(path) as file:
        np.save(file, array)
