"""N-MNIST by convolutions.

`jslayer train --data nmnist_conv`: three convolutions with delays, decays that learn, recordings
shifted and turned, in steps of 10 ms, read by the voltages of the last layer. It learns from 800
recordings. What it is was chosen on 160 of those, 16 of each digit, held out while it learned from
the other 640 for 25 epochs ("validation"); the 100 test recordings were looked at with the recipe
as it is now only. Intervals hold 95 % (Wilson); all seeds are judged on the same 100, so that the
mean has the interval of 100 recordings and not of 300.
"""

import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recipes.fit import fit
from benchmarks.recipes.results import Row, minutes, spread, table
from jslayer import datasets
from jslayer.cli.recipes import nmnist_conv
from jslayer.io import style

CHOICES = {
    "the recipe": {},
    "without delays": {"delays": False},
    "not turned": {"degrees": 0.0},
    "not augmented": {"degrees": 0.0, "pixels": 0},
    "learning rate 0.003": {"learning_rate": 3e-3},
}
CHOSEN = "test recordings"
CASES = {f"validation: {name}": (0,) for name in CHOICES} | {CHOSEN: (0, 1, 2)}
"""Cases and their seeds."""
HELD_OUT_OF_A_CLASS = 16
DATA = Path(os.environ.get("JSLAYER_SHARED", "../shared")) / "data" / "nmnist"


def run(case: str, seeds: Sequence[int], *, tiny: bool) -> Iterator[Row]:
    """Trains, and judges on the test set or on what was held out."""
    settings, options = nmnist_conv.ABOUT.settings, {}
    if case != CHOSEN:
        options = dict(CHOICES[case.removeprefix("validation: ")])
        settings = dataclasses.replace(
            settings,
            epochs=25,
            learning_rate=options.pop("learning_rate", settings.learning_rate),
        )
        options["held_out"] = held_out(datasets.NMNIST(DATA).labels)
    if tiny:
        settings = dataclasses.replace(settings, epochs=1)
    for seed in seeds:
        recipe = nmnist_conv.recipe(DATA, seed, settings, **options)
        _, row = fit(recipe, seed)
        sizes = {"judged": len(recipe.testing), "learned_from": len(recipe.training)}
        yield {"seed": seed, **row, **sizes}


def held_out(labels: np.ndarray) -> list[int]:
    """The same recordings for every setting and seed, as many of each class."""
    rng = np.random.default_rng(0)
    classes = (rng.permutation(np.flatnonzero(labels == label)) for label in range(10))
    return np.concatenate([numbers[:HELD_OUT_OF_A_CLASS] for numbers in classes]).tolist()


def tables(rows: Sequence[Row]) -> str:
    """What was chosen from, what it reaches, and what the whole data set would take."""
    lines = []
    for case in CASES:
        for row in rows:
            if row["case"] == case:
                lines.append(_line(row))
    found = [table(lines)]
    if final := [row for row in rows if row["case"] == CHOSEN]:
        mean = sum(row["accuracy"] for row in final) / len(final)
        low, high = interval(mean, final[0]["judged"])
        found.append(
            f"Test accuracy over seeds: {spread(final, 'accuracy')}, interval {low:.3f} to "
            f"{high:.3f}; {minutes(final)} of processor time a seed, of 30 that 15 minutes on two "
            "cores are."
        )
        found.append(whole(final))
    return "\n\n".join(found)


def _line(row: Row) -> dict[str, str]:
    low, high = interval(row["accuracy"], row["judged"])
    return {
        "network": row["case"],
        "seed": str(row["seed"]),
        "recordings": f"{row['learned_from']} / {row['judged']}",
        "epochs": str(row["curves"]["epoch"][-1]),
        "accuracy": f"{row['accuracy']:.3f}",
        "interval": f"{low:.3f} to {high:.3f}",
        "processor": minutes([row]),
    }


def interval(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share of ``count``, which holds 95 %."""
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return middle - half, middle + half


def whole(rows: Sequence[Row]) -> str:
    """What 60,000 recordings would take, by the time for one here."""
    learned = sum(row["learned_from"] * row["curves"]["epoch"][-1] for row in rows)
    second = sum(row["processor_s"] for row in rows) / learned
    minutes_an_epoch = second * 60_000 / 60
    peak = max((row["peak_mib"] for row in rows if "peak_mib" in row), default=None)
    memory = f" ({peak:,.0f} MiB here, all told)" if peak else ""
    return (
        "The whole data set (60,000 recordings) is one option away, `--root`, with fewer epochs "
        f"such as `--epochs 3`: {1e3 * second:.0f} ms of processor time for a recording make "
        f"{minutes_an_epoch:.0f} minutes an epoch, half of that on two idle cores at best. "
        f"Recordings are read when they are asked for, so that memory stays what it is{memory}. "
        "Estimated, not run."
    )


def plot(rows: Sequence[Row]) -> Any:
    """Accuracy over epochs: the test set, and the choices on validation."""
    figure = style.new_figure(9, 3)
    for axes, final in zip(figure.subplots(1, 2, sharey=True), (True, False), strict=True):
        mine = [row for row in rows if (row["case"] == CHOSEN) == final]
        for row, colour in zip(mine, style.MORE * 2, strict=False):
            label = row["case"].removeprefix("validation: ")
            label = f"seed {row['seed']}" if final else label
            axes.plot(
                row["curves"]["epoch"], row["curves"]["accuracy"], color=colour, lw=1, label=label
            )
        axes.set(xlabel="epoch", ylabel="accuracy", ylim=(0.5, 1.0))
        axes.set_title("100 test recordings" if final else "160 held out, seed 0", fontsize=9)
        if mine:
            axes.legend(frameon=False, fontsize=8)
        style.tidy(axes)
    return figure
