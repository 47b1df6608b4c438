"""A recurrent layer remembers the first pattern until the second comes."""

import functools
from pathlib import Path

import optax

from jslayer import block, datasets
from jslayer.block import Sequential, cuba
from jslayer.cli.recipes.base import (
    About,
    Recipe,
    Settings,
    by_module,
    cross_entropy,
    neurons,
    right_class,
)
from jslayer.neuron import starting_values

ABOUT = About(
    task="is the second pattern that of some time ago?",
    needs="nothing",
    expect="accuracy 0.92 (cuba; five seeds)",
    settings=Settings(epochs=15, learning_rate=1e-2, batch_size=32, neuron="cuba"),
)


def recipe(root: Path | None, seed: int, settings: Settings = ABOUT.settings) -> Recipe:
    """A recurrent layer remembers the first pattern until the second comes."""
    del root
    name, neuron, scale = neurons(settings, starting_values("cuba"))
    family = getattr(block, name)
    dense = functools.partial(family.Dense, neuron, None, weight_norm=True, weight_scale=scale)
    answer = {**starting_values("cuba"), "readout": True}
    rate = settings.learning_rate
    return Recipe(
        training=datasets.MatchToSample(1024, seed=seed),
        testing=datasets.MatchToSample(512, train=False, seed=seed),
        network=Sequential(
            [
                dense(64, delay=True),
                family.Recurrent(neuron, 64, 64, weight_norm=True, weight_scale=scale),
                # its voltage is read, so that the gradient of no output spike is guessed
                cuba.Dense(answer, None, 2, weight_norm=True),
            ]
        ),
        loss=cross_entropy,
        count_correct=right_class,
        target=lambda batch: batch[1],
        optimizer=by_module(optax.adam(rate), delay_line=optax.adam(10 * rate)),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        is_voltage=True,
    )
