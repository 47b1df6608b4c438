"""Decays that learn, with a rate of their own.

The recipes `xor` and `oxford`, whose decays are held as in the reference's tutorials, beside the
same with decays that learn, one for each neuron, at the rate of the weights and at another of their
own. Oxford runs for 1,000 of its 5,000 epochs.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import optax

from benchmarks.recipes import change
from benchmarks.recipes.fit import fit
from benchmarks.recipes.nmnist_conv import DATA
from benchmarks.recipes.results import Row, minutes, seeds, spread, table
from jslayer.cli.recipes import ABOUT, RECIPES, Recipe
from jslayer.cli.recipes.base import by_module

VARIANTS = {
    "decays held": None,
    "decays learned, rate of the weights": 1.0,
    "decays learned, a third of the rate": 0.3,
    "decays learned, 3 times the rate": 3.0,
}
TASKS = {"xor": (0, 1, 2), "oxford": (0, 1, 2)}
CASES = {f"{task}: {name}": own for task, own in TASKS.items() for name in VARIANTS}
EPOCHS = {"xor": 400, "oxford": 1000}


def run(case: str, numbers: Sequence[int], *, tiny: bool) -> Iterator[Row]:
    """Trains with every seed."""
    task, _, name = case.partition(": ")
    for seed in numbers:
        recipe = recipe_of(task, VARIANTS[name], seed)
        recipe = dataclasses.replace(recipe, epochs=2 if tiny else EPOCHS[task])
        yield {"seed": seed, **fit(recipe, seed)[1]}


def recipe_of(task: str, factor: float | None, seed: int) -> Recipe:
    """A recipe whose decays learn at ``factor`` times the rate of the weights."""
    recipe = RECIPES[task](DATA.parent / "oxford", seed)
    if factor is None:
        return recipe
    recipe = change.neurons(recipe, {"requires_grad": True, "shared_param": False})
    rate = ABOUT[task].settings.learning_rate
    return dataclasses.replace(
        recipe, optimizer=by_module(recipe.optimizer, neuron=optax.adam(factor * rate))
    )


def tables(rows: Sequence[Row]) -> str:
    """Loss, accuracy and time by variant."""
    parts = []
    for task in TASKS:
        lines = []
        for name in VARIANTS:
            mine = [row for row in rows if row["case"] == f"{task}: {name}"]
            if not mine:
                continue
            digits = 0 if task == "oxford" else 2
            half = [
                {"loss": row["curves"]["loss"][len(row["curves"]["loss"]) // 2]} for row in mine
            ]
            line = {
                task: name,
                "seeds": seeds(mine),
                "loss halfway": spread(half, "loss", digits),
                "loss in the end": spread(mine, "loss", digits),
            }
            if task == "xor":
                line["accuracy"] = spread(mine, "accuracy")
            lines.append({**line, "processor": minutes(mine)})
        if lines:
            parts.append(table(lines))
    return "\n\n".join(parts)
