"""Draws the pictures of the pages: ``python -m tools.pictures [NAME ...]``, into `docs/pictures`.

Without names, all of them: ``balance`` (half a minute), ``neurons`` and ``notebooks``.
"""

import argparse
import sys
from pathlib import Path

from tools.pictures import balance, neurons, notebooks

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
DRAWN = {"balance": balance.draw, "neurons": neurons.draw, "notebooks": notebooks.draw}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(DRAWN))
    names = parser.parse_args(arguments).names
    if wrong := sorted(set(names) - set(DRAWN)):
        parser.error(f"{', '.join(wrong)}: expected some of {', '.join(DRAWN)}")
    FOLDER.mkdir(exist_ok=True)
    for name in names or DRAWN:
        for path in DRAWN[name](FOLDER):
            print(f"{path.name}  {path.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
