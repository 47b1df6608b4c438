"""Sequences.

Tones in noise that rise, fall or do both (`jslayer train --data chirps`): do resonators hear them
better than leaky neurons, at equal size (64-64, four voltages to read)? And delayed match to sample
(`--data match_to_sample`): with and without feedback in the second of two layers of 64, and with
thresholds that adapt. Neurons start with the library's own numbers for their family
(`jslayer.neuron.starting_values`); decays, periods and delays learn; learning rate 0.01 for all.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.recipes import change
from benchmarks.recipes.results import Row, minutes, seeds, spread, table
from benchmarks.recipes.together import fit_together
from jslayer import block
from jslayer.cli.recipes import Recipe, chirps, match_to_sample
from jslayer.io import style

SEEDS = (0, 1, 2, 3, 4)
CHIRPS = ("rf", "rf_iz", "cuba", "alif")
MATCH = ("cuba, feedback", "alif, feedback", "cuba", "alif")
CASES = {f"chirps: {name}": SEEDS for name in CHIRPS} | {f"match: {name}": SEEDS for name in MATCH}


def run(case: str, numbers: Sequence[int], *, tiny: bool) -> Iterator[Row]:
    """Trains all seeds in one program."""
    task, _, name = case.partition(": ")
    recipes = [recipe_of(task, name, seed, tiny=tiny) for seed in numbers]
    yield from fit_together(recipes, numbers)[1]


def recipe_of(task: str, name: str, seed: int, *, tiny: bool) -> Recipe:
    """The recipe of a task with other neurons, or without its feedback."""
    module = {"chirps": chirps, "match": match_to_sample}[task]
    neuron, _, feedback = name.partition(", ")
    settings = dataclasses.replace(module.ABOUT.settings, neuron=neuron)
    if tiny:
        settings = dataclasses.replace(settings, epochs=1)
    recipe = module.recipe(None, seed, settings)
    return recipe if feedback or task == "chirps" else change.network(recipe, forward)


def forward(found: Any) -> Any:
    """A dense block in the place of a recurrent one."""
    if not type(found).__name__ == "Recurrent":
        return found
    family = type(found).__module__.rpartition(".")[2]
    return getattr(block, family).Dense(
        found.neuron_params,
        found.in_neurons,
        found.out_neurons,
        weight_norm=found.weight_norm,
        weight_scale=found.weight_scale,
        delay=True,
    )


def tables(rows: Sequence[Row]) -> str:
    """Accuracy by task and neuron."""
    parts = []
    for task, names in (("chirps", CHIRPS), ("match", MATCH)):
        lines = []
        for name in names:
            if mine := [row for row in rows if row["case"] == f"{task}: {name}"]:
                half = [
                    {"accuracy": row["curves"]["accuracy"][len(row["curves"]["accuracy"]) // 2]}
                    for row in mine
                ]
                lines.append(
                    {
                        {"chirps": "chirps", "match": "match to sample"}[task]: name,
                        "seeds": seeds(mine),
                        "accuracy halfway": spread(half, "accuracy"),
                        "in the end": spread(mine, "accuracy"),
                        "processor": minutes(mine),
                    }
                )
        if lines:
            parts.append(table(lines))
    return "\n\n".join(parts)


def plot(rows: Sequence[Row]) -> Any:
    """Mean accuracy over epochs, and its range over seeds."""
    figure = style.new_figure(9, 3)
    tasks = (("chirps", CHIRPS), ("match", MATCH))
    for axes, (task, names) in zip(figure.subplots(1, 2), tasks, strict=True):
        for name, colour in zip(names, style.MORE, strict=False):
            mine = [row["curves"] for row in rows if row["case"] == f"{task}: {name}"]
            if not mine:
                continue
            epoch, curves = mine[0]["epoch"], list(zip(*(c["accuracy"] for c in mine), strict=True))
            means = [sum(values) / len(values) for values in curves]
            axes.plot(epoch, means, color=colour, lw=1.2, label=name)
            axes.fill_between(
                epoch,
                *zip(*((min(v), max(v)) for v in curves), strict=True),
                color=colour,
                alpha=0.15,
                lw=0,
            )
            axes.legend(frameon=False, fontsize=8)
        axes.set(xlabel="epoch", ylabel="test accuracy")
        axes.set_title({"chirps": "chirps", "match": "match to sample"}[task], fontsize=9)
        style.tidy(axes)
    return figure
