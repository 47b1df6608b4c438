"""PilotNet as a sigma-delta network: from frames of a road to the angle of the steering wheel."""

from pathlib import Path

import jax.numpy as jnp
import optax

from jslayer import datasets
from jslayer.block import Sequential, sigma_delta
from jslayer.cli.recipes.base import About, Recipe, Settings

ABOUT = About(
    task="the angle of a steering wheel, by a sigma-delta network",
    needs="nothing (drawn roads), or --root DIR with data.txt and its frames; pillow for those",
    expect="on drawn roads a test error of 0.005 rad^2 in four of five seeds; 60 s",
    settings=Settings(epochs=8, learning_rate=1e-3, batch_size=8, neuron="sigma_delta"),
    own_neurons=True,
)


def recipe(root: Path | None, seed: int, settings: Settings = ABOUT.settings) -> Recipe:
    """The network of the notebook, whose thresholds and biases learn with the weights."""
    training: datasets.Dataset
    testing: datasets.Dataset
    if root is None:
        training = datasets.SyntheticRoad(320, num_steps=16, seed=seed)
        # a sigma-delta network sends its whole first frame, so that short tests would flatter none
        testing = datasets.SyntheticRoad(16, train=False, num_steps=64, seed=seed)
    else:
        training = datasets.PilotNet(root, train=True)
        testing = datasets.PilotNet(root, train=False)
    encoder = {"threshold": 0.05, "activation": "identity", "scale": 128}
    neuron = {
        "threshold": 0.05,
        "activation": "relu",
        "tau_grad": 0.1,
        "scale_grad": 1,
        "scale": 128,
        "bias": 0.0,
        "requires_grad": True,
    }
    steps = settings.epochs * len(training) // settings.batch_size
    return Recipe(
        training=training,
        testing=testing,
        network=Sequential(
            [
                sigma_delta.Input(encoder),
                sigma_delta.Conv(neuron, 3, 24, 3, stride=2, weight_scale=2),
                sigma_delta.Conv(neuron, 24, 36, 3, stride=2, weight_scale=2),
                sigma_delta.Conv(neuron, 36, 64, 3, stride=2, padding=(1, 0), weight_scale=2),
                sigma_delta.Conv(neuron, 64, 64, 3, weight_scale=2),
                sigma_delta.Flatten(),
                sigma_delta.Dense(neuron, None, 100, weight_scale=2),
                sigma_delta.Dense(neuron, 100, 50, weight_scale=2),
                sigma_delta.Dense(neuron, 50, 10, weight_scale=2),
                sigma_delta.Output(neuron, 10, 1),
            ]
        ),
        # summed over the batch, as the losses of spikes are
        loss=lambda y, angle: jnp.sum(jnp.mean((y[:, 0] - angle) ** 2, axis=-1)),
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
