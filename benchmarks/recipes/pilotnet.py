"""PilotNet on drawn roads.

The sigma-delta network of `jslayer train --data pilotnet`, the ordinary one (ANN) of the same
layers and the same first weights, and the spiking one of `--data pilotnet_lif`, whose error is that
after its first 8 frames: 320 drives of 16 frames, 8 epochs, judged on 16 drives of 64 frames. The
learning rate of each was chosen from the same four, by the mean of seeds 0 to 2 on 16 validation
drives that are not those of the test (by seed 0 alone at 0.01, where none learns). Operations of a
frame: what is not zero, times the synapses that it reaches.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.recipes.fit import fit
from benchmarks.recipes.ordinary import Ordinary, operations
from benchmarks.recipes.results import Row, minutes, seeds, spread, table
from jslayer import datasets
from jslayer.cli.recipes import Recipe, pilotnet, pilotnet_lif

RATES = {3e-4: (0, 1, 2), 1e-3: (0, 1, 2), 3e-3: (0, 1, 2), 1e-2: (0,)}
"""Learning rates, and the seeds of their validation."""
NETWORKS = ("sigma-delta", "ANN", "LIF")
CHOSEN = {"sigma-delta": 1e-3, "ANN": 3e-3, "LIF": 1e-3}
"""By the rows of validation."""
CASES = {
    **{f"validation: {n}, rate {rate:g}": RATES[rate] for n in NETWORKS for rate in RATES},
    **{name: (0, 1, 2, 3, 4) for name in NETWORKS},
}


def run(case: str, numbers: Sequence[int], *, tiny: bool) -> Iterator[Row]:
    """Trains with every seed."""
    validation = case.startswith("validation: ")
    name, _, rate = case.removeprefix("validation: ").partition(", rate ")
    for seed in numbers:
        recipe = recipe_of(name, float(rate or CHOSEN[name]), seed, tiny=tiny)
        if validation:
            drives = datasets.SyntheticRoad(len(recipe.testing), num_steps=64, seed=(seed, 1))
            recipe = dataclasses.replace(recipe, testing=drives)
        network = recipe.network
        if name == "ANN":
            recipe = dataclasses.replace(recipe, network=Ordinary(network))
        state, row = fit(recipe, seed)
        if name != "LIF" and not validation:
            row |= counted(network, state.variables, recipe.testing, ordinary=name == "ANN")
        _, angle = recipe.testing.batch(range(len(recipe.testing)))
        yield {"seed": seed, **row, "variance": float(np.var(angle))}


def recipe_of(name: str, rate: float, seed: int, *, tiny: bool) -> Recipe:
    """The recipe, at this learning rate."""
    module = pilotnet_lif if name == "LIF" else pilotnet
    settings = dataclasses.replace(module.ABOUT.settings, learning_rate=rate)
    if tiny:
        settings = dataclasses.replace(settings, epochs=1)
    recipe = module.recipe(None, seed, settings)
    if not tiny:
        return recipe
    training = datasets.SyntheticRoad(settings.batch_size, num_steps=16, seed=seed)
    testing = datasets.SyntheticRoad(2, train=False, num_steps=64, seed=seed)
    return dataclasses.replace(recipe, training=training, testing=testing)


def counted(network: Any, variables: Any, data: datasets.Dataset, *, ordinary: bool) -> Row:
    """Operations of a frame: what is done, and what an ordinary network does with its zeros."""
    count = jax.jit(lambda v, x: operations(network, v, x, ordinary=ordinary))
    parts = [count(variables, jnp.asarray(data.batch([i])[0])) for i in range(len(data))]
    busy, every = np.mean(np.asarray(parts), axis=0)
    return {"operations": float(busy), "products": float(every)}


def tables(rows: Sequence[Row]) -> str:
    """Squared error and operations; what the rates were chosen by."""
    lines, choices = [], []
    each = lambda mine: ", ".join(f"{row['loss']:.4f}" for row in mine)
    for name in NETWORKS:
        if mine := [row for row in rows if row["case"] == name]:
            line = {
                "network": name,
                "rate": f"{CHOSEN[name]:g}",
                "squared error, rad²": spread(mine, "loss", 4),
                "of its variance": f"{np.mean([r['loss'] / r['variance'] for r in mine]):.0%}",
                "each": each(mine),
                "seeds": seeds(mine),
                "operations a frame": "not counted",
                "with the zeros": "",
            }
            if "operations" in mine[0]:
                line["operations a frame"] = spread(mine, "operations", 0)
                line["with the zeros"] = spread(mine[:1], "products", 0) if name == "ANN" else ""
            lines.append({**line, "processor": minutes(mine)})
        for rate in RATES:
            case = f"validation: {name}, rate {rate:g}"
            if mine := [row for row in rows if row["case"] == case]:
                mean = f"{np.mean([row['loss'] for row in mine]):.4f}"
                line = {"validation": name, "rate": f"{rate:g}", "squared error, rad²": mean}
                choices.append({**line, "each": each(mine), "seeds": seeds(mine)})
    return "\n\n".join(table(part) for part in (lines, choices) if part)
