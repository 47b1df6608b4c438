"""Delays and decays, taken away one by one, where timing alone carries the label."""

import dataclasses
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import optax

from benchmarks.recipes.results import Row
from benchmarks.recipes.together import Start, fit_together
from jslayer.cli.recipes import Recipe, intervals, moving_bars
from jslayer.cli.recipes.base import by_module

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
HARD = {"noise": 0.04, "samples": 1024, "hidden": (64, 32)}


def run(case: str, seeds: Sequence[int], *, tiny: bool) -> Iterator[Row]:
    """Trains all seeds in one program."""
    task, _, name = case.partition(": ")
    variant = VARIANTS[name]
    recipes = [recipe_of(task, variant, seed, tiny=tiny) for seed in seeds]
    start: Start = drawn if variant.drawn else lambda params, key: params
    yield from fit_together(recipes, seeds, start=start)[1]


def recipe_of(task: str, variant: Variant, seed: int, *, tiny: bool) -> Recipe:
    """The recipe of a task as it is in all variants, but for what they take away."""
    module = {"intervals": intervals, "moving bars": moving_bars}[task]
    epochs = {"intervals": 15, "moving bars": 10}[task]
    settings = dataclasses.replace(
        module.ABOUT.settings, epochs=1 if tiny else epochs, learning_rate=1e-2
    )
    options = {} if task == "intervals" else HARD
    recipe = module.recipe(
        None, seed, settings, delay=variant.delay, changes=variant.neuron, **options
    )
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
