"""Eight directions of a bar before a simulated event camera."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optax

from jslayer import block, datasets, loss
from jslayer.block import Sequential
from jslayer.cli.recipes.base import About, Recipe, Settings, neurons, right_class

ABOUT = About(
    task="which way does a bar move?",
    needs="nothing",
    expect="test accuracy 1.00 for seeds 0, 1, 2; 10 s",
    settings=Settings(epochs=8, learning_rate=3e-3, batch_size=32),
)

NOISE = 0.001


def recipe(
    root: Path | None,
    seed: int,
    settings: Settings = ABOUT.settings,
    *,
    noise: float = NOISE,
    samples: int = 2048,
    hidden: tuple[int, int] = (256, 128),
    delay: bool = True,
    changes: Mapping[str, Any] | None = None,
) -> Recipe:
    """Eight directions of a bar before a simulated event camera; needs no file.

    Args:
      root: Not needed.
      seed: Fixes the data.
      settings: The user's.
      noise: Probability of an event by mistake.
      samples: Recordings to learn from.
      hidden: Neurons of the hidden layers.
      delay: Learn delays behind them.
      changes: Other parameters of the neurons.
    """
    del root
    first, second = hidden
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
    neuron = {**neuron, **(changes or {})}
    family = getattr(block, name)
    dense = functools.partial(family.Dense, weight_norm=True, weight_scale=scale)
    return Recipe(
        training=datasets.MovingBars(samples, seed=seed, noise=noise, dtype=bool),
        testing=datasets.MovingBars(512, train=False, seed=seed, noise=noise, dtype=bool),
        network=Sequential(
            [
                family.Flatten(),
                dense(neuron, 512, first, delay=delay),
                dense(neuron, first, second, delay=delay),
                dense(neuron, second, 8),
            ]
        ),
        loss=loss.SpikeRate(true_rate=0.2, false_rate=0.03),
        count_correct=right_class,
        target=lambda batch: batch[1],
        optimizer=optax.adam(settings.learning_rate),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
    )
