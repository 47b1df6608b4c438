"""Eight networks in one program.

N-MNIST by a dense network, 2312-256-10, in 30 steps of 10 ms, five epochs, its last voltages read:
eight first weights trained side by side with `vmap`, and the same eight one after the other, each
in a program of its own. Then all of them answer together: by the mean of their voltages, and by
vote.
"""

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import jax
import numpy as np
import optax

from benchmarks.recipes.fit import fit
from benchmarks.recipes.nmnist_conv import DATA
from benchmarks.recipes.results import Row, spread, table
from benchmarks.recipes.together import fit_together
from jslayer import classifier
from jslayer.block import Sequential, cuba
from jslayer.cli.recipes import Recipe, nmnist_conv

TOGETHER, APART = "in one program", "one after the other"
CASES = {TOGETHER: tuple(range(8)), APART: tuple(range(8))}


def run(case: str, numbers: Sequence[int], *, tiny: bool) -> Iterator[Row]:
    """Trains all seeds, together or each alone."""
    if case == APART:
        for seed in numbers:
            yield {"seed": seed, **fit(recipe_of(seed, tiny=tiny), seed)[1]}
        return
    recipe = recipe_of(0, tiny=tiny)
    variables, rows = fit_together([recipe] * len(numbers), numbers, same_data=True)
    x, label = recipe.testing.batch(range(len(recipe.testing)))
    voltage = jax.jit(jax.vmap(recipe.network.apply, (0, None)))(variables, x)
    answers = np.asarray(jax.vmap(classifier.Rate.predict)(voltage))
    votes = np.stack([np.bincount(mine, minlength=10) for mine in answers.T])
    joint = {
        "mean": float(np.mean(np.asarray(classifier.Rate.predict(voltage.mean(0))) == label)),
        "vote": float(np.mean(votes.argmax(1) == label)),
    }
    yield from ({**row, **joint} for row in rows)


def recipe_of(seed: int, *, tiny: bool) -> Recipe:
    """A dense network on the data of the convolutional recipe, which are not augmented here."""
    recipe = nmnist_conv.recipe(DATA, seed)
    neuron = recipe.network.blocks[0].neuron_params
    dense = functools.partial(cuba.Dense, weight_norm=True)
    network = [
        cuba.Flatten(),
        dense(neuron, 2312, 256, delay=True),
        dense({**neuron, "readout": True}, 256, 10),
    ]
    return dataclasses.replace(
        recipe,
        network=Sequential(network),
        changed=None,
        optimizer=optax.adam(3e-3),
        epochs=1 if tiny else 5,
    )


def tables(rows: Sequence[Row]) -> str:
    """Time and accuracy of both ways."""
    lines = []
    for case in CASES:
        if mine := [row for row in rows if row["case"] == case]:
            lines.append(
                {
                    "eight networks": case,
                    "accuracy of one": spread(mine, "accuracy"),
                    "of their mean": f"{mine[0]['mean']:.2f}" if "mean" in mine[0] else "",
                    "of their vote": f"{mine[0]['vote']:.2f}" if "vote" in mine[0] else "",
                    "processor, all": f"{sum(row['processor_s'] for row in mine):.0f} s",
                    "wall, all": f"{sum(row['wall_s'] for row in mine):.0f} s",
                }
            )
    return table(lines)
