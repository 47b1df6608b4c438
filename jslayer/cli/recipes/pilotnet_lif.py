"""PilotNet of leaky integrate-and-fire neurons, read by the voltage of its last one."""

import functools
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import optax

from jslayer import datasets
from jslayer.block import Sequential, cuba
from jslayer.cli.recipes.base import About, Recipe, Settings

ABOUT = About(
    task="the angle of a steering wheel, by spikes and a voltage",
    needs="nothing (drawn roads), or --root DIR with data.txt and its frames; pillow for those",
    expect="on drawn roads a test error of 0.03 to 0.05 rad^2, a third of its variance; 70 s",
    settings=Settings(epochs=8, learning_rate=1e-3, batch_size=8),
    own_neurons=True,
)


def recipe(root: Path | None, seed: int, settings: Settings = ABOUT.settings) -> Recipe:
    """Neurons whose current lasts one step; the last one has no threshold, its voltage is read."""
    training: datasets.Dataset
    testing: datasets.Dataset
    if root is None:
        training = datasets.SyntheticRoad(320, num_steps=16, seed=seed)
        testing = datasets.SyntheticRoad(16, train=False, num_steps=64, seed=seed)
    else:
        training = datasets.PilotNet(root, train=True)
        testing = datasets.PilotNet(root, train=False)
    neuron = {
        "threshold": 0.4,
        "current_decay": 1.0,
        "voltage_decay": 0.25,
        "tau_grad": 0.03,
        "scale_grad": 3,
        "requires_grad": True,
    }
    # slower than the others, so that it averages over the spikes of some frames
    answer = {**neuron, "voltage_decay": 0.1, "readout": True}
    # a frame reaches the answer in its own step, as in the sigma-delta network
    options: dict[str, Any] = {"weight_norm": True, "weight_scale": 2, "delay_shift": False}
    conv: Any = functools.partial(cuba.Conv, neuron, **options)
    dense: Any = functools.partial(cuba.Dense, **options)
    steps = settings.epochs * len(training) // settings.batch_size
    return Recipe(
        training=training,
        testing=testing,
        network=Sequential(
            [
                cuba.Input(neuron),
                conv(3, 24, 3, stride=2),
                conv(24, 36, 3, stride=2),
                conv(36, 64, 3, stride=2, padding=(1, 0)),
                conv(64, 64, 3),
                cuba.Flatten(),
                dense(neuron, None, 100),
                dense(neuron, 100, 50),
                dense(neuron, 50, 10),
                dense(answer, 10, 1),
            ]
        ),
        # the first frames, in which voltages rise from 0, are not judged
        loss=lambda y, angle: jnp.sum(jnp.mean((y[:, 0, 8:] - angle[:, 8:]) ** 2, axis=-1)),
        count_correct=None,
        target=lambda batch: batch[1],
        optimizer=optax.chain(
            optax.clip_by_global_norm(1.0 * settings.batch_size),
            optax.adam(optax.cosine_decay_schedule(settings.learning_rate, max(steps, 1))),
        ),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        is_drive=True,
    )
