"""Texts from files, fit for an error message."""

from typing import Any


def shown(text: Any, limit: int = 80) -> str:
    r"""At most ``limit`` printable characters of a text that a stranger may have written.

    Example:
      >>> shown("layer\x1b[31m")
      'layer\\x1b[31m'
      >>> shown("a" * 100, limit=10)
      'aaaaaaa...'
    """
    text = str(text)
    found = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: limit + 1])
    return found if len(found) <= limit else found[: max(0, limit - 3)] + "..."
