"""One spike raster to another, with the network and settings of the SLAYER tutorial."""

from pathlib import Path

import optax

from jslayer import block, datasets, loss
from jslayer.block import Sequential
from jslayer.cli.recipes.base import About, Recipe, Settings, neurons

ABOUT = About(
    task="answer a raster of spikes with another, which draws a building",
    needs="--root DIR with input.bs1 and output.bs1",
    expect="loss below 46,000 after 2,700 epochs, 44,100 in the end; 190 s",
    settings=Settings(epochs=5000, learning_rate=1e-3, batch_size=1),
)


def recipe(root: Path | None, seed: int, settings: Settings = ABOUT.settings) -> Recipe:
    """One spike raster to another, with the network and settings of the SLAYER tutorial."""
    del seed
    own = {
        "threshold": 0.1,
        "current_decay": 1.0,
        "voltage_decay": 0.1,
    }
    name, neuron, scale = neurons(settings, own)
    family = getattr(block, name)
    return Recipe(
        training=datasets.Oxford(root),
        testing=None,
        network=Sequential(
            [
                family.Dense(neuron, 200, 256, weight_scale=scale),
                family.Dense(neuron, 256, 200, weight_scale=scale),
            ]
        ),
        loss=loss.SpikeTime(time_constant=2, length=100, filter_order=2),
        count_correct=None,
        target=lambda batch: batch[1],
        optimizer=optax.chain(optax.add_decayed_weights(1e-5), optax.adam(settings.learning_rate)),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        log_every=100,
        desired=lambda batch: batch[1],
    )
