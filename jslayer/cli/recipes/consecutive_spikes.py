"""A neuron with a fixed weight finds its decays: it shall answer two spikes in a row."""

from pathlib import Path

import jax.numpy as jnp
import optax

from jslayer import datasets, loss
from jslayer.block import Sequential, cuba
from jslayer.cli.recipes.base import About, Recipe, Settings

ABOUT = About(
    task="spike wherever two spikes came one after the other, by decays alone",
    needs="nothing",
    expect="decays go from 0.1 to 0.4 and 0.7, where nearly all is answered right; 3 s",
    settings=Settings(epochs=1500, learning_rate=0.02, batch_size=32),
    own_neurons=True,
)


def recipe(root: Path | None, seed: int, settings: Settings = ABOUT.settings) -> Recipe:
    """One neuron whose weight is held, with a threshold of 0.5 and decays that start at 0.1.

    With decays of 0.4 (current) and 0.7 (voltage), two spikes in a row lift the voltage to 0.505,
    while one alone lifts it to 0.266. Slower decays let spikes that are further apart add up.
    """
    del root
    neuron = {
        "threshold": 0.5,
        "current_decay": 0.1,
        "voltage_decay": 0.1,
        "tau_grad": 0.1,
        "scale_grad": 1,
        "scale": 128,  # 17/64 is an even number of 128ths, as 8-bit weights are
        "requires_grad": True,
    }
    # in use whatever the parameter is: without a gradient, no optimiser moves it
    held = lambda weight: jnp.full_like(weight, 17 / 64)
    return Recipe(
        training=datasets.ConsecutiveSpikes(32, seed=seed),
        testing=datasets.ConsecutiveSpikes(32, train=False, seed=seed),
        network=Sequential([cuba.Dense(neuron, 1, 1, pre_hook_fx=held)]),
        loss=loss.SpikeTime(time_constant=1, length=20),
        count_correct=None,
        target=lambda batch: batch[1],
        optimizer=optax.adam(optax.cosine_decay_schedule(settings.learning_rate, settings.epochs)),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        log_every=100,
        desired=lambda batch: batch[1],
    )
