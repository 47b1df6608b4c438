"""What the command is called: as it was."""

import sys


def called(command: str = "") -> str:
    """The words with which a user started this process, for what is printed about usage.

    Args:
      command: A command, e.g. ``"train"``, of which a module may be the start as well.

    Returns:
      ``python -m jslayer``, the like for another module, or ``jslayer``, the script of the
      installed package; followed by the command where the module is not its own.
    """
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    name = "" if spec is None else spec.name.removesuffix(".__main__")
    if name.startswith("jslayer."):
        return f"python -m {name}"
    return " ".join(["python -m jslayer" if name == "jslayer" else "jslayer", command]).strip()
