"""Builds the web site: ``python -m tools.website [--out FOLDER]``; a warning is an error.

Notebooks are not executed; the site shows the outputs that they are kept with.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

from tools.website.sources import DOCS, write

BUILT = DOCS / "_build"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=BUILT / "html", help="folder of the site")
    options = parser.parse_args(arguments)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    from sphinx.cmd.build import main as sphinx

    source = BUILT / "source"
    for folder in (source, options.out):
        shutil.rmtree(folder, ignore_errors=True)
    write(source)
    rules = ["--fail-on-warning", "--keep-going", "--quiet", "--fresh-env", "-b", "html"]
    places = ["-c", str(DOCS), "-d", str(BUILT / "doctrees"), str(source), str(options.out)]
    failed = sphinx([*rules, *places])
    if not failed:
        print(f"the site is in {options.out / 'index.html'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
