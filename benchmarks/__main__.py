"""Runs all benchmarks, each in a process of its own, and keeps their tables.

``python -m benchmarks`` writes ``benchmarks/results/cpu_NAME.md`` and ``.json`` (``gpu_NAME`` on a
GPU) for every benchmark; ``--only neurons,nmnist_step`` chooses, ``--list`` names them.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
OTHERS = ("__main__", "compare", "gpu", "street")
"""Scripts that need other options, or a GPU, other libraries or trained networks."""


def names() -> list[str]:
    """All scripts of this folder that take the common options, in the order of the alphabet."""
    return sorted(
        file.stem
        for file in FOLDER.glob("*.py")
        if file.stem not in ("__main__", "compare", "gpu", "street")
        and "__main__" in file.read_text()
    )


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    found.add_argument("--only", default=None, help="names, with commas between them")
    found.add_argument("--list", action="store_true", help="print the names and stop")
    found.add_argument("--tiny", action="store_true", help="small sizes, to see that it runs")
    found.add_argument("--rounds", type=int, default=None, help="calls of each case")
    found.add_argument("--out", type=Path, default=FOLDER / "results", help="folder for the tables")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code, 1 if a benchmark failed."""
    chosen = parser().parse_args(argv)
    known = names()
    if chosen.list:
        print("\n".join(known))
        return 0
    wanted = known if chosen.only is None else chosen.only.split(",")
    if unknown := [name for name in wanted if name not in known]:
        parser().error(
            f"`--only` names {', '.join(unknown)}, expected some of {', '.join(known)}; mend it."
        )
    more = ["--tiny"] * chosen.tiny
    if chosen.rounds is not None:
        more += ["--rounds", str(chosen.rounds)]
    failed = []
    for name in wanted:
        # made absolute, as the process starts in the repository
        out = chosen.out.resolve() / f"{{device}}_{name}"
        command = [sys.executable, "-m", f"benchmarks.{name}", "--out", str(out), *more]
        if subprocess.run(command, cwd=FOLDER.parent).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
