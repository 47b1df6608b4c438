"""Delays and decays, taken away one by one.

Two tasks in which timing alone carries the label: which way a bar moves, at a noise at which the
network of everything just about learns it, and which of two volleys came first and by how much. The
network is the same throughout, and so are learning rate and epochs; those, the noise and the width
were set by what the network of everything reached on the test samples, which favours it.
"""

import dataclasses
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import optax

from benchmarks.recipes import change
from benchmarks.recipes.results import Row, minutes, seeds, spread, table
from benchmarks.recipes.together import Start, fit_together
from jslayer import datasets
from jslayer.cli.recipes import Recipe, intervals, moving_bars
from jslayer.cli.recipes.base import by_module
from jslayer.io import style

LONGEST = 20.0
"""Steps up to which delays are drawn where they do not start at 0."""
HELD = {"requires_grad": False}
ONE = {"shared_param": True, "current_decay": 0.25, "voltage_decay": 0.06}
"""One value for a layer: the geometric means of the ranges that single ones are drawn from."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """What is taken away.

    Attributes:
      delay: Whether there are delays.
      drawn: They start between 0 and ``LONGEST``, otherwise below 1.
      learned: They learn.
      neuron: Parameters of the neurons that differ.
    """

    delay: bool = True
    drawn: bool = True
    learned: bool = True
    neuron: Mapping[str, Any] = dataclasses.field(default_factory=dict)


VARIANTS = {
    "everything learned": Variant(),
    "no delays": Variant(delay=False),
    "fixed delays": Variant(learned=False),
    "delays learned from 0": Variant(drawn=False),
    "decays held, one for a layer": Variant(neuron={**HELD, **ONE}),
    "decays held, one for a neuron": Variant(neuron=HELD),
    "decays learned, one for a layer": Variant(neuron=ONE),
    "no delays, decays held, one for a layer": Variant(delay=False, neuron={**HELD, **ONE}),
}
TASKS = ("intervals", "moving bars")
CASES = {f"{task}: {name}": (0, 1, 2, 3, 4) for name in VARIANTS for task in TASKS}
NOISE = 0.03
"""Of the moving bars: the largest at which the network of everything learns in ten epochs."""


def run(case: str, numbers: Sequence[int], *, tiny: bool) -> Iterator[Row]:
    """Trains all seeds in one program."""
    task, _, name = case.partition(": ")
    variant = VARIANTS[name]
    recipes = [recipe_of(task, variant, seed, tiny=tiny) for seed in numbers]
    start: Start = drawn if variant.drawn else lambda params, key: params
    yield from fit_together(recipes, numbers, start=start)[1]


def recipe_of(task: str, variant: Variant, seed: int, *, tiny: bool) -> Recipe:
    """The recipe of a task as it is in all variants, but for what they take away."""
    module = {"intervals": intervals, "moving bars": moving_bars}[task]
    epochs = {"intervals": 15, "moving bars": 10}[task]
    settings = dataclasses.replace(
        module.ABOUT.settings, epochs=1 if tiny else epochs, learning_rate=1e-2
    )
    recipe = module.recipe(None, seed, settings)
    if task == "moving bars":
        data = {"seed": seed, "noise": NOISE, "dtype": bool}
        recipe = dataclasses.replace(
            change.widths(recipe, (64, 32)),
            training=datasets.MovingBars(1024, **data),
            testing=datasets.MovingBars(512, train=False, **data),
        )
    recipe = change.neurons(recipe, variant.neuron)
    recipe = recipe if variant.delay else change.without_delays(recipe)
    rate = settings.learning_rate
    delays = optax.adam(10 * rate) if variant.learned else optax.set_to_zero()
    return dataclasses.replace(recipe, optimizer=by_module(optax.adam(rate), delay_line=delays))


def drawn(params: Any, key: jax.Array) -> Any:
    """Parameters with delays up to ``LONGEST``."""

    def one(path, value):
        if getattr(path[-1], "key", None) != "delay":
            return value
        own = jax.random.fold_in(key, zlib.crc32(jax.tree_util.keystr(path).encode()))
        return jax.random.uniform(own, value.shape, maxval=LONGEST)

    return jax.tree_util.tree_map_with_path(one, params)


def tables(rows: Sequence[Row]) -> str:
    """Accuracy by variant and task."""
    lines = []
    for name in VARIANTS:
        found = {task: [row for row in rows if row["case"] == f"{task}: {name}"] for task in TASKS}
        some = next((part for part in found.values() if part), None)
        if some is None:
            continue
        accuracy = {
            f"{task}, accuracy": spread(part, "accuracy") if part else "not run"
            for task, part in found.items()
        }
        lines.append({"network": name, **accuracy, "seeds": seeds(some)})
    one = next(iter(rows))
    return f"{table(lines)}\n\n{one['in_one_program']} seeds in one program, {minutes(rows)} each."


def plot(rows: Sequence[Row]) -> Any:
    """Accuracy of every seed, and its mean."""
    names = [name for name in VARIANTS if any(row["case"].endswith(f": {name}") for row in rows)]
    figure = style.new_figure(9, 0.36 * len(names) + 1)
    for axes, task in zip(figure.subplots(1, 2, sharey=True), TASKS, strict=True):
        for place, name in enumerate(names):
            mine = [row["accuracy"] for row in rows if row["case"] == f"{task}: {name}"]
            if mine:
                axes.plot(mine, [place] * len(mine), "o", color=style.OFF, alpha=0.4, ms=4)
                axes.plot(sum(mine) / len(mine), place, "|", color=style.ON, ms=14, mew=2)
        axes.set(xlabel="test accuracy", yticks=range(len(names)), yticklabels=names)
        axes.set_title(task, fontsize=9)
        axes.set_ylim(len(names) - 0.5, -0.5)
        style.tidy(axes)
    return figure
