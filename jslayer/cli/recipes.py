"""What each data set of the training example needs: data, network, loss, optimiser."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jslayer import classifier, datasets, loss
from jslayer.block import Sequential, cuba
from jslayer.neuron import Dropout


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One training problem.

    Attributes:
      training: Data set to learn from.
      testing: Data set to judge by, or ``None`` where there is only one.
      network: The network.
      loss: ``(output, target) -> scalar``, summed over the batch.
      count_correct: ``(output, target) -> number``, or ``None`` for a pure regression.
      target: Which entry of a data set's tuples the loss and the count take.
      optimizer: Optax optimiser.
      epochs: Default number of epochs.
      batch_size: Samples per step.
      log_every: Epochs between two printed lines, each with a test and a checkpoint.
      desired: Which entry of a data set's tuples is the output wanted, to be drawn beside the
        network's; ``None`` where ``target`` is the number of a class.
    """

    training: datasets.Dataset
    testing: datasets.Dataset | None
    network: Sequential
    loss: Callable[..., jax.Array]
    count_correct: Callable[..., jax.Array] | None
    target: Callable[[tuple[np.ndarray, ...]], Any]
    optimizer: optax.GradientTransformation
    epochs: int
    batch_size: int
    log_every: int = 1
    desired: Callable[[tuple[np.ndarray, ...]], np.ndarray] | None = None


def _right_class(y: jax.Array, label: jax.Array) -> jax.Array:
    return jnp.sum(classifier.Rate.predict(y) == label)


def moving_bars(root: Path | None, seed: int) -> Recipe:
    """Eight directions of a bar before a simulated event camera; needs no file."""
    del root
    neuron = {
        "threshold": 1.25,
        # slow and fast channels side by side, so that the order of events shows
        "current_decay": (0.1, 0.5),
        "voltage_decay": (0.02, 0.2),
        "tau_grad": 0.03,
        "scale_grad": 3,
        "shared_param": False,
        "requires_grad": True,
    }
    return Recipe(
        training=datasets.MovingBars(2048, train=True, seed=seed, dtype=bool),
        testing=datasets.MovingBars(512, train=False, seed=seed, dtype=bool),
        network=Sequential(
            [
                cuba.Flatten(),
                cuba.Dense(neuron, 512, 256, weight_norm=True, delay=True),
                cuba.Dense(neuron, 256, 128, weight_norm=True, delay=True),
                cuba.Dense(neuron, 128, 8, weight_norm=True),
            ]
        ),
        loss=loss.SpikeRate(true_rate=0.2, false_rate=0.03),
        count_correct=_right_class,
        target=lambda batch: batch[1],
        optimizer=optax.adam(3e-3),
        epochs=8,
        batch_size=32,
    )


def nmnist(root: Path | None, seed: int) -> Recipe:
    """N-MNIST with the network and settings of the SLAYER tutorial."""
    del seed
    neuron = {
        "threshold": 1.25,
        "current_decay": 0.25,
        "voltage_decay": 0.03,
        "tau_grad": 0.03,
        "scale_grad": 3,
        "requires_grad": True,
        "dropout": Dropout(0.05),
    }
    return Recipe(
        training=datasets.NMNIST(root, train=True, as_events=True),
        testing=datasets.NMNIST(root, train=False, as_events=True),
        network=Sequential(
            [
                cuba.Flatten(),
                cuba.Dense(neuron, 34 * 34 * 2, 512, weight_norm=True, delay=True),
                cuba.Dense(neuron, 512, 512, weight_norm=True, delay=True),
                cuba.Dense(neuron, 512, 10, weight_norm=True),
            ]
        ),
        loss=loss.SpikeRate(true_rate=0.2, false_rate=0.03),
        count_correct=_right_class,
        target=lambda batch: batch[1],
        optimizer=optax.adam(1e-3),
        epochs=12,
        batch_size=32,
    )


def oxford(root: Path | None, seed: int) -> Recipe:
    """One spike raster to another, with the network and settings of the SLAYER tutorial."""
    del seed
    neuron = {
        "threshold": 0.1,
        "current_decay": 1.0,
        "voltage_decay": 0.1,
    }
    return Recipe(
        training=datasets.Oxford(root),
        testing=None,
        network=Sequential([cuba.Dense(neuron, 200, 256), cuba.Dense(neuron, 256, 200)]),
        loss=loss.SpikeTime(time_constant=2, length=100, filter_order=2),
        count_correct=None,
        target=lambda batch: batch[1],
        optimizer=optax.chain(optax.add_decayed_weights(1e-5), optax.adam(1e-3)),
        epochs=5000,
        batch_size=1,
        log_every=100,
        desired=lambda batch: batch[1],
    )


def xor(root: Path | None, seed: int) -> Recipe:
    """XOR of two bits that are shown as spike patterns, answered by one of two spike trains."""
    del root
    data = datasets.XOR(seed=seed)
    x, desired, label = data.batch(range(len(data)))
    answers = jnp.asarray(np.stack([desired[label == value][0] for value in (0, 1)]))
    distance = loss.SpikeTime(time_constant=5, length=50)
    neuron = {
        "threshold": 1.0,
        "current_decay": 0.5,
        "voltage_decay": 0.1,
        "tau_grad": 0.01,
        "scale_grad": 1,
    }

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
                cuba.Dense(neuron, x.shape[1], 256, delay=True),
                cuba.Dense(neuron, 256, desired.shape[1]),
            ]
        ),
        loss=lambda y, target: distance(y, target["desired"]),
        count_correct=count_correct,
        target=lambda batch: {"desired": batch[1], "label": batch[2]},
        optimizer=optax.adam(3e-3),
        epochs=400,
        batch_size=4,
        log_every=50,
        desired=lambda batch: batch[1],
    )


RECIPES: Mapping[str, Callable[[Path | None, int], Recipe]] = {
    "moving_bars": moving_bars,
    "nmnist": nmnist,
    "oxford": oxford,
    "xor": xor,
}
"""Recipes by the name of their data."""
