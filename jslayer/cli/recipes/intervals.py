"""Which of two volleys was first, and by how much? Only times tell, and delays can hold them."""

import functools
from pathlib import Path

import optax

from jslayer import block, datasets
from jslayer.block import Sequential
from jslayer.cli.recipes.base import (
    About,
    Recipe,
    Settings,
    by_module,
    cross_entropy,
    neurons,
    right_class,
)

ABOUT = About(
    task="order and interval of two volleys of spikes",
    needs="nothing",
    expect="accuracy 0.76 to 0.86 for seeds 0, 1, 2 (chance: 0.17); 5 s",
    settings=Settings(epochs=20, learning_rate=1e-2, batch_size=32),
)


def recipe(root: Path | None, seed: int, settings: Settings = ABOUT.settings) -> Recipe:
    """Delays bring both volleys to one moment, each neuron behind them for one interval."""
    del root
    own = {
        "threshold": 1.25,
        "current_decay": (0.1, 0.5),
        "voltage_decay": (0.02, 0.2),
        "tau_grad": 0.03,
        "scale_grad": 3,
        "shared_param": False,
        "requires_grad": True,
    }
    name, neuron, scale = neurons(settings, own)
    dense = functools.partial(getattr(block, name).Dense, weight_norm=True, weight_scale=2 * scale)
    return Recipe(
        training=datasets.Intervals(1024, seed=seed),
        testing=datasets.Intervals(512, train=False, seed=seed),
        network=Sequential(
            [
                dense(neuron, 16, 32, delay=True),
                dense(neuron, 32, 32, delay=True),
                # its voltage is read, so that the gradient of no output spike is guessed
                dense({**neuron, "readout": True}, 32, 6),
            ]
        ),
        loss=cross_entropy,
        count_correct=right_class,
        target=lambda batch: batch[1],
        # a delay has to move by steps, where a weight moves by hundredths
        optimizer=by_module(
            optax.adam(settings.learning_rate), delay_line=optax.adam(10 * settings.learning_rate)
        ),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        is_voltage=True,
    )
