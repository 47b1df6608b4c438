"""How many bytes a file may become when it is read."""

FACTOR, FLOOR, CEILING = 16, 2**27, 2**31
"""A file may become so many times larger, at most the ceiling; the floor is open to every file."""


def limit_of(size: int, max_bytes: int | None = None) -> int:
    """Bytes that a file of ``size`` bytes may become, unless ``max_bytes`` says otherwise."""
    return max(FLOOR, min(FACTOR * size, CEILING)) if max_bytes is None else max_bytes
