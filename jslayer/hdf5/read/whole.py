"""Whether a file holds what its checksum says."""

from collections.abc import Iterator
from typing import Any

from jslayer.hdf5.checksum import NAME, checksum
from jslayer.hdf5.errors import NetworkFileError, fault
from jslayer.hdf5.read.group import Group

DEEPEST = 16
"""Groups in groups; a network file has three."""


def check_whole(file: Group, said: Any) -> None:
    """Compares what a file says with what it holds.

    Raises:
      NetworkFileError: they differ, or something is in it that no checksum covers.
    """
    try:
        found = checksum(_content(file, 0))
    except NetworkFileError as error:
        raise _unlike(file, f"does not fit: {error}") from error
    if said != found:
        raise _unlike(file, f"is {said!r}, but of this content {found!r}")


def _unlike(file: Group, came: str) -> NetworkFileError:
    action = f"copy or export it again, or, if you changed it, `del file.attrs[{NAME!r}]` in h5py"
    return fault(file.file, "", f"has a {NAME} that {came}", "the content as written", action)


def _content(group: Group, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > DEEPEST:
        raise group.fault("", "lies too deep", f"{DEEPEST} groups in groups at most", "flatten it")
    for name, value in group.attributes().items():
        yield f"{group.place}@{name}", value
    for name in group.names():
        if group.is_group(name):
            yield from _content(group.group(name), depth + 1)
        else:
            yield group.at(name), group.text(name) if group.is_text(name) else group.array(name)
