"""Names of the old library, lava-dl's SLAYER, and what each of them is here.

``lava_names.json`` lists every public name of it: ``"same"``, where the old name and call work;
``"renamed"``, with what stands in its place; ``"none"``, with the reason. `docs/from_lava_dl.md` is
made of it, and a module that lacks an old name raises what it says.
"""

import functools
import json
import sys
from collections.abc import Callable
from importlib import resources
from typing import Any

FILE = "lava_names.json"


@functools.cache
def table() -> dict[str, dict[str, str]]:
    """The old names, without the name of the package, and what is known of each.

    ``is`` is ``"same"``, ``"renamed"`` or ``"none"``; ``here`` what stands in its place; ``takes``
    the old arguments; ``why`` and ``but`` say more.
    """
    text = resources.files("jslayer").joinpath(FILE).read_text("utf-8")
    return json.loads(text)["names"]


def sentence(name: str) -> str | None:
    """What to tell who uses an old name; ``None`` where it is no such name."""
    known = table().get(name)
    if known is None or known["is"] == "same":
        return None
    instead = f"use {known['here']}" if known["is"] == "renamed" else "there is none here"
    why = f": {known['why']}" if known.get("why") else ""
    return f"`slayer.{name}` is lava-dl's name; {instead}{why}."


def told(module: str) -> Callable[[str], Any]:
    """A ``__getattr__`` for the module ``jslayer.<module>``, which tells of old names.

    Args:
      module: Its name without the package's; empty for the package.
    """
    full = f"jslayer.{module}".rstrip(".")

    def __getattr__(name: str) -> Any:
        text = None if name.startswith("__") else sentence(f"{module}.{name}".lstrip("."))
        raise AttributeError(text or f"module {full!r} has no attribute {name!r}")

    return __getattr__


def tell(module: str) -> None:
    """Lets a module tell of the old names that it lacks.

    By its name, as type checkers take a module that defines ``__getattr__`` for one of any names.

    Args:
      module: Its ``__name__``.
    """
    vars(sys.modules[module])["__getattr__"] = told(module.partition(".")[2])
