"""The one exception of everything that reads network files."""

import contextlib
from collections.abc import Iterator

from jslayer.io.text import shown

DAMAGED = "copy or export the file again, it is damaged or from another program"
"""What to do about most errors."""


class NetworkFileError(ValueError):
    """A network file that cannot be read, or cannot be run as hardware would.

    The message names the file, the layer and dataset, what came and what was expected. Files that
    are absent, folders and missing permissions stay the `OSError` that they are.

    Attributes:
      place: Where it is wrong, e.g. ``layer/3/weight``; empty for the file as a whole.
    """

    def __init__(self, message: str, place: str = ""):
        super().__init__(message)
        self.place = place


def fault(file: str, place: str, came: str, expected: str, action: str) -> NetworkFileError:
    """The error of one place in a file.

    Args:
      file: Name of the file.
      place: What is wrong, e.g. ``layer/3/weight``; empty for the file as a whole.
      came: What it is, as a predicate: "has shape (3, 4)".
      expected: What it should be.
      action: What to do.

    Returns:
      The error, to be raised; texts from the file are cut and escaped in it.
    """
    place, came, expected = shown(place, 100), shown(came, 300), shown(expected, 400)
    subject = f"`{place}` " if place else "the file "
    return NetworkFileError(f"{file}: {subject}{came}, expected {expected}; {action}.", place)


@contextlib.contextmanager
def translated(file: str, place: str) -> Iterator[None]:
    """Whatever hdf5 raises at ``place``, as a `NetworkFileError`."""
    try:
        yield
    except NetworkFileError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        came = f"cannot be read ({reason})"
        raise fault(file, place, came, "a sound hdf5 file", DAMAGED) from error
