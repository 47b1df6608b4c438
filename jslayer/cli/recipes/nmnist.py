"""N-MNIST, with the network and settings of the SLAYER tutorial."""

from pathlib import Path

import optax

from jslayer import block, datasets, loss
from jslayer.block import Sequential
from jslayer.cli.recipes.base import About, Recipe, Settings, neurons, right_class
from jslayer.neuron import Dropout

ABOUT = About(
    task="handwritten digits before an event camera",
    needs="--root DIR with Train/<label>/*.bin and Test/",
    expect="test accuracy 0.87 to 0.89 from 800 recordings; 4 s an epoch",
    settings=Settings(epochs=12, learning_rate=1e-3, batch_size=32),
)


def recipe(root: Path | None, seed: int, settings: Settings = ABOUT.settings) -> Recipe:
    """N-MNIST with the network and settings of the SLAYER tutorial."""
    del seed
    own = {
        "threshold": 1.25,
        "current_decay": 0.25,
        "voltage_decay": 0.03,
        "tau_grad": 0.03,
        "scale_grad": 3,
        "requires_grad": True,
        "dropout": Dropout(0.05),
    }
    name, neuron, scale = neurons(settings, own)
    family = getattr(block, name)
    return Recipe(
        training=datasets.NMNIST(root, train=True, as_events=True),
        testing=datasets.NMNIST(root, train=False, as_events=True),
        network=Sequential(
            [
                family.Flatten(),
                family.Dense(
                    neuron, 34 * 34 * 2, 512, weight_norm=True, delay=True, weight_scale=scale
                ),
                family.Dense(neuron, 512, 512, weight_norm=True, delay=True, weight_scale=scale),
                family.Dense(neuron, 512, 10, weight_norm=True, weight_scale=scale),
            ]
        ),
        loss=loss.SpikeRate(true_rate=0.2, false_rate=0.03),
        count_correct=right_class,
        target=lambda batch: batch[1],
        optimizer=optax.adam(settings.learning_rate),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
    )
