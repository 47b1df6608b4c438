"""A neuron with a fixed weight finds its decays; see the recipe ``consecutive_spikes``."""

import dataclasses
from collections.abc import Iterator, Sequence

import jax
import numpy as np

from benchmarks.recipes.fit import fit
from benchmarks.recipes.results import Row
from jslayer import training
from jslayer.cli.recipes import consecutive_spikes

CASES = {"decays from 0.1": (0, 1, 2)}


def run(case: str, seeds: Sequence[int], *, tiny: bool) -> Iterator[Row]:
    """Trains, and counts the answers that are missing and those that nobody asked for."""
    del case
    settings = consecutive_spikes.ABOUT.settings
    if tiny:
        settings = dataclasses.replace(settings, epochs=2)
    for seed in seeds:
        recipe = consecutive_spikes.recipe(None, seed, settings)
        recipe = dataclasses.replace(recipe, log_every=1 if tiny else 50)
        state, row = fit(recipe, seed, watched=decays)
        x, desired = recipe.testing.batch(range(len(recipe.testing)))
        y = np.asarray(jax.jit(recipe.network.apply)(state.variables, x))
        counts = {"missed": int((desired > y).sum()), "false": int((desired < y).sum())}
        yield {"seed": seed, **row, **decays(state), "answers": int(desired.sum()), **counts}


def decays(state: training.TrainState) -> dict[str, float]:
    """The two decays of the neuron."""
    neuron = state.params["blocks_0"]["neuron"]
    return {name: float(neuron[name]) for name in ("current_decay", "voltage_decay")}
