"""A neuron whose weight is held finds its decays.

The open wish of the reference's users (lava-dl issue 383): one neuron, weight held, threshold 0.5,
shall spike wherever two input spikes came in a row. With decays of 0.4 and 0.7 it does; started at
0.1 and 0.1, the reference does not find them. `jslayer train --data consecutive_spikes`.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from benchmarks.recipes.fit import fit
from benchmarks.recipes.results import Row, table
from jslayer import training
from jslayer.cli.recipes import consecutive_spikes
from jslayer.io import style

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


def tables(rows: Sequence[Row]) -> str:
    """Where the decays went, and what the test trains say."""
    return table(
        [
            {
                "seed": str(row["seed"]),
                "current_decay": f"0.1 -> {row['current_decay']:.3f}",
                "voltage_decay": f"0.1 -> {row['voltage_decay']:.3f}",
                "answers due": str(row["answers"]),
                "missed": str(row["missed"]),
                "false": str(row["false"]),
                "processor": f"{row['processor_s']:.0f} s",
            }
            for row in rows
        ]
    )


def plot(rows: Sequence[Row]) -> Any:
    """Decays and loss over epochs."""
    figure = style.new_figure(9, 3)
    left, right = figure.subplots(1, 2)
    for row in rows:
        curves = row["curves"]
        names = {"current_decay": (style.OFF, 0.4), "voltage_decay": (style.ON, 0.7)}
        for name, (colour, wanted) in names.items():
            label = name if row is rows[0] else None
            left.plot(curves["epoch"], curves[name], color=colour, lw=1, label=label)
            left.axhline(wanted, color=colour, lw=0.8, ls=":")
        right.semilogy(curves["epoch"], curves["loss"], color=style.SINGLE, lw=1)
    left.set(xlabel="epoch", ylabel="decay (dotted: 0.4 and 0.7)", ylim=(0, 0.9))
    right.set(xlabel="epoch", ylabel="loss of a test train")
    style.legend(left)
    for axes in (left, right):
        style.tidy(axes)
    return figure
