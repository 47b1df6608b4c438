"""Eight directions of a bar before a simulated event camera."""

import functools
from pathlib import Path

import optax

from jslayer import block, datasets, loss
from jslayer.block import Sequential
from jslayer.cli.recipes.base import About, Recipe, Settings, neurons, right_class

ABOUT = About(
    task="which way does a bar move?",
    needs="nothing",
    expect="test accuracy from 0.2 after one epoch to 0.98 in the end; 10 s",
    settings=Settings(epochs=8, learning_rate=3e-3, batch_size=32),
)

NOISE = 0.02
"""Twenty times the data set's default, with which one epoch is enough."""


def recipe(root: Path | None, seed: int, settings: Settings = ABOUT.settings) -> Recipe:
    """Eight directions of a bar before a simulated event camera; needs no file."""
    del root
    own = {
        "threshold": 1.25,
        # slow and fast channels side by side, so that the order of events shows
        "current_decay": (0.1, 0.5),
        "voltage_decay": (0.02, 0.2),
        "tau_grad": 0.03,
        "scale_grad": 3,
        "shared_param": False,
        "requires_grad": True,
    }
    name, neuron, scale = neurons(settings, own)
    family = getattr(block, name)
    dense = functools.partial(family.Dense, weight_norm=True, weight_scale=scale)
    return Recipe(
        training=datasets.MovingBars(1024, seed=seed, noise=NOISE, dtype=bool),
        testing=datasets.MovingBars(512, train=False, seed=seed, noise=NOISE, dtype=bool),
        network=Sequential(
            [
                family.Flatten(),
                dense(neuron, 512, 256, delay=True),
                dense(neuron, 256, 128, delay=True),
                dense(neuron, 128, 8),
            ]
        ),
        loss=loss.SpikeRate(true_rate=0.2, false_rate=0.03),
        count_correct=right_class,
        target=lambda batch: batch[1],
        optimizer=optax.adam(settings.learning_rate),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
    )
