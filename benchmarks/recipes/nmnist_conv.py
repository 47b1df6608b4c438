"""N-MNIST by convolutions; what was chosen on recordings held out of the training set."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.recipes.fit import fit
from benchmarks.recipes.results import Row
from jslayer import datasets
from jslayer.cli.recipes import nmnist_conv

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
