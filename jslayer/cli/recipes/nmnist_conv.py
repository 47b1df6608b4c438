"""N-MNIST by a convolutional network with delays, augmented events and a voltage to read."""

import copy
import functools
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import optax

from jslayer import datasets
from jslayer.block import Sequential, cuba
from jslayer.cli.recipes.base import (
    About,
    Recipe,
    Settings,
    by_module,
    cross_entropy,
    right_class,
)
from jslayer.io import augment, geometry

ABOUT = About(
    task="handwritten digits before an event camera, by convolutions",
    needs="--root DIR with Train/<label>/*.bin and Test/",
    expect="test accuracy 0.97 from 800 recordings; 6 s of processor time an epoch",
    settings=Settings(epochs=30, learning_rate=1e-2, batch_size=32),
    own_neurons=True,
)
STEPS, STEP_MS = 30, 10


def recipe(
    root: Path | None,
    seed: int,
    settings: Settings = ABOUT.settings,
    *,
    held_out: Collection[int] = (),
    delays: bool = True,
    degrees: float = 15.0,
    pixels: int = 2,
) -> Recipe:
    """Three convolutions and a read-out, whose decays and delays learn with the weights.

    Args:
      root: Folder of N-MNIST.
      seed: Fixes the augmentation.
      settings: The user's.
      held_out: Numbers of training recordings to judge by, in place of the test set: whoever
        chooses between settings must not look at that.
      delays: Learn delays behind every convolution.
      degrees: Largest angle by which recordings are turned.
      pixels: Largest shift.
    """
    # of 300 ms; thirty steps of ten take a tenth of the time of a step a millisecond
    coarse = functools.partial(geometry.stretch_time, factor=1 / STEP_MS)
    moved = augment.compose(
        [
            functools.partial(augment.random_rotate, degrees=degrees, size=(34, 34)),
            functools.partial(augment.random_shift, limit=pixels),
            coarse,
        ]
    )
    still = augment.compose([coarse])
    whole = datasets.NMNIST(root, train=True, num_steps=STEPS, dtype=bool)
    training = part(whole, [i for i in range(len(whole)) if i not in frozenset(held_out)])
    testing = (
        part(whole, sorted(held_out))
        if held_out
        else datasets.NMNIST(root, train=False, num_steps=STEPS, dtype=bool)
    )
    neuron = {
        "threshold": 1.25,
        "current_decay": (0.1, 0.5),
        "voltage_decay": (0.02, 0.2),
        "tau_grad": 0.03,
        "scale_grad": 3,
        "shared_param": False,
        "requires_grad": True,
    }
    conv: Any = functools.partial(cuba.Conv, neuron, weight_norm=True, weight_scale=2, delay=delays)
    steps = settings.epochs * (len(training) // settings.batch_size)
    rate = optax.cosine_onecycle_schedule(max(steps, 1), settings.learning_rate, 0.2)
    return Recipe(
        training=datasets.Augmented(training, still),
        testing=datasets.Augmented(testing, still),
        changed=lambda epoch: datasets.Augmented(training, moved, seed=(seed, epoch)),
        network=Sequential(
            [
                conv(2, 16, 5, stride=2),
                conv(16, 32, 3, stride=2),
                conv(32, 64, 3, stride=2),
                cuba.Flatten(),
                # its voltage is read, so that the gradient of no output spike is guessed
                cuba.Dense({**neuron, "readout": True}, None, 10, weight_norm=True, weight_scale=2),
            ]
        ),
        loss=cross_entropy,
        count_correct=right_class,
        target=lambda batch: batch[1],
        # delays are steps, where weights are fractions
        optimizer=by_module(optax.adam(rate), delay_line=optax.adam(lambda s: 10 * rate(s))),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        is_voltage=True,
    )


def part(data: datasets.NMNIST, numbers: Collection[int]) -> datasets.NMNIST:
    """The recordings of these numbers."""
    chosen = copy.copy(data)
    chosen.files = [data.files[number] for number in numbers]
    chosen.labels = data.labels[np.asarray(numbers, np.intp)]
    return chosen
