"""Recipes as they are.

`jslayer train --data moving_bars` and `--data intervals`, the settings that a user starts with.
"""

import dataclasses
from collections.abc import Iterator, Sequence

from benchmarks.recipes.fit import fit
from benchmarks.recipes.results import Row, minutes, seeds, spread, table
from jslayer.cli.recipes import ABOUT, RECIPES

CASES = {"moving_bars": (0, 1, 2), "intervals": (0, 1, 2)}


def run(case: str, numbers: Sequence[int], *, tiny: bool) -> Iterator[Row]:
    """Trains with every seed."""
    settings = ABOUT[case].settings
    if tiny:
        settings = dataclasses.replace(settings, epochs=1)
    for seed in numbers:
        yield {"seed": seed, **fit(RECIPES[case](None, seed, settings), seed)[1]}


def tables(rows: Sequence[Row]) -> str:
    """Accuracy after the first epoch and after the last."""
    lines = []
    for case in CASES:
        if mine := [row for row in rows if row["case"] == case]:
            first = [{"accuracy": row["curves"]["accuracy"][0]} for row in mine]
            lines.append(
                {
                    "recipe": f"`{case}`, {mine[0]['curves']['epoch'][-1]} epochs",
                    "seeds": seeds(mine),
                    "accuracy after one epoch": spread(first, "accuracy"),
                    "in the end": spread(mine, "accuracy"),
                    "least": f"{min(row['accuracy'] for row in mine):.3f}",
                    "processor": minutes(mine),
                }
            )
    return table(lines)
