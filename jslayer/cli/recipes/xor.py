"""XOR of two bits that are shown as spike patterns, answered by one of two spike trains."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jslayer import block, datasets, loss
from jslayer.block import Sequential
from jslayer.cli.recipes.base import About, Recipe, Settings, neurons

ABOUT = About(
    task="XOR of two spike patterns, answered at exact times",
    needs="nothing",
    expect="accuracy 1.0 for seeds 0, 1, 2; 3 s",
    settings=Settings(epochs=400, learning_rate=3e-3, batch_size=4),
)


def recipe(root: Path | None, seed: int, settings: Settings = ABOUT.settings) -> Recipe:
    """XOR of two bits that are shown as spike patterns, answered by one of two spike trains."""
    del root
    data = datasets.XOR(seed=seed)
    x, desired, label = data.batch(range(len(data)))
    answers = jnp.asarray(np.stack([desired[label == value][0] for value in (0, 1)]))
    distance = loss.SpikeTime(time_constant=5, length=50)
    own = {
        "threshold": 1.0,
        "current_decay": 0.5,
        "voltage_decay": 0.1,
        "tau_grad": 0.01,
        "scale_grad": 1,
    }
    name, neuron, scale = neurons(settings, own)
    family = getattr(block, name)

    def count_correct(y, target):
        """Answers whose train is nearer to the wanted one than to the other."""
        one = lambda train, answer: distance(train[None], answer[None])
        table = jax.vmap(lambda train: jax.vmap(lambda a: one(train, a))(answers))(y)
        return jnp.sum(jnp.argmin(table, axis=1) == target["label"])

    return Recipe(
        training=data,
        testing=None,
        network=Sequential(
            [
                family.Dense(neuron, x.shape[1], 256, delay=True, weight_scale=scale),
                family.Dense(neuron, 256, desired.shape[1], weight_scale=scale),
            ]
        ),
        loss=lambda y, target: distance(y, target["desired"]),
        count_correct=count_correct,
        target=lambda batch: {"desired": batch[1], "label": batch[2]},
        optimizer=optax.adam(settings.learning_rate),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        log_every=50,
        desired=lambda batch: batch[1],
    )
