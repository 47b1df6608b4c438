"""Trains the recipes and writes what they reach: ``python -m benchmarks.recipes``.

Everything takes hours. ``--only`` chooses experiments, ``--case`` cases that contain a word,
``--seeds`` seeds; ``--missing`` leaves out what is there already. Every finished training is
written to ``benchmarks/results/recipes.json``, of which ``recipes.md``, pictures and the marked
tables of the documentation are made. Data: ``JSLAYER_SHARED`` (default ``../shared``).
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import timing
from benchmarks.recipes import page
from benchmarks.recipes.results import Results

EXPERIMENTS = (
    "ablation",
    "plain",
    "consecutive",
    "ensemble",
    "held_decays",
    "pilotnet",
    "sequences",
    "nmnist_conv",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=__doc__)
    parser.add_argument("--only", help=f"some of {', '.join(EXPERIMENTS)}, with commas")
    parser.add_argument("--case", default="", help="only cases whose name contains this")
    parser.add_argument("--seeds", help="numbers with commas (those of the experiment)")
    parser.add_argument("--missing", action="store_true", help="leave out what is there already")
    parser.add_argument("--tiny", action="store_true", help="an epoch or two, to see that it runs")
    parser.add_argument("--list", action="store_true", help="print the cases, and which are there")
    parser.add_argument("--page", action="store_true", help="write the page again, train nothing")
    parser.add_argument("--out", type=Path, default=timing.RESULTS, help="folder for the results")
    chosen = parser.parse_args(argv)
    names = EXPERIMENTS if chosen.only is None else chosen.only.split(",")
    if unknown := [name for name in names if name not in EXPERIMENTS]:
        parser.error(
            f"`--only` names {', '.join(unknown)}, expected some of {', '.join(EXPERIMENTS)}; "
            "mend it."
        )
    results = Results(chosen.out / "recipes.json")
    for name in names if not chosen.page else ():
        experiment = importlib.import_module(f"benchmarks.recipes.{name}")
        for case, own in experiment.CASES.items():
            seeds = own if chosen.seeds is None else map(int, chosen.seeds.split(","))
            wanted = [s for s in seeds if not (chosen.missing and results.has(name, case, s))]
            if chosen.case not in case or not wanted:
                continue
            if chosen.list:
                print(f"{name}: {case}, seeds {wanted}")
                continue
            print(f"{name}: {case}, seeds {wanted}", flush=True)
            for row in experiment.run(case, wanted, tiny=chosen.tiny):
                results.add({"experiment": name, "case": case, **row})
    if not chosen.list:
        ours = chosen.out.resolve() == timing.RESULTS
        page.write(results, chosen.out, EXPERIMENTS, documentation=ours)
    return 0


if __name__ == "__main__":
    sys.exit(main())
