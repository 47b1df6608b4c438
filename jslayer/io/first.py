"""Which of several processes writes what belongs to all of them: the first."""

_first = True


def writes() -> bool:
    """Whether this process writes files and progress; without others it always does."""
    return _first


def leave_to_first(is_first: bool) -> None:
    """Says whether this process is the first of those that train together."""
    global _first
    _first = is_first
