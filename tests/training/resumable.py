"""A small training run that saves after every epoch, and may be killed: for the tests beside it.

``python -m tests.training.resumable FOLDER EPOCHS [KILL_IN]``: trains up to ``EPOCHS`` from what
``FOLDER`` holds; with ``KILL_IN`` the process kills itself in the middle of that epoch.
"""

import os
import signal
import sys

import jax
import numpy as np
import optax

from jslayer import classifier, datasets, loss
from jslayer.block import Sequential, cuba
from jslayer.neuron import Dropout, MeanOnlyBatchNorm
from jslayer.training import Assistant, Checkpoints, LearningStats, create_state

BATCH = 4


def network():
    """Small, with everything that a state may hold: norm, dropout, delays, constants."""
    neuron = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, "tau_grad": 0.1}
    learned = {**neuron, "requires_grad": True, "dropout": Dropout(0.2), "norm": MeanOnlyBatchNorm}
    drawn = {**neuron, "shared_param": False}
    return Sequential(
        [
            cuba.Dense(learned, 12, 8, weight_scale=4, delay=True),
            cuba.Dense(drawn, 8, 2, weight_scale=4, weight_norm=True),
        ]
    )


def train(folder, epochs, kill_in=None):
    """Trains up to ``epochs`` and returns the state and statistics."""
    data = datasets.XOR(3, neurons_per_bit=6, num_steps=16, rate=0.2, output_spikes=2, jitter=1.0)
    state = create_state(network(), data.batch([0])[0], optax.adam(1e-2), seed=1)
    stats, position = LearningStats(), {"epoch": 0, "batch": 0}
    with Checkpoints(folder, keep=2) as checkpoints:
        if checkpoints.latest is not None:
            found = checkpoints.restore(state)
            state, position = found.state, found.extra["position"]
            stats = LearningStats.from_dict(found.extra["stats"])
        helper = Assistant(
            state, loss.SpikeRate(0.5, 0.1), classifier=classifier.Rate.predict, stats=stats
        )
        while position["epoch"] < epochs:
            order = (7, position["epoch"])
            parts = list(datasets.batches(data, BATCH, seed=order))
            while position["batch"] < len(parts):
                if position == {"epoch": kill_in, "batch": len(parts) - 1}:
                    os.kill(os.getpid(), signal.SIGKILL)
                x, _, label = parts[position["batch"]]
                helper.train(x, label)
                position["batch"] += 1
                if position["batch"] < len(parts):
                    save(checkpoints, helper, position)
            helper.end_epoch()
            position = {"epoch": position["epoch"] + 1, "batch": 0}
            save(checkpoints, helper, position)
    return helper.state, helper.stats


def save(checkpoints, helper, position):
    """Keeps the state, the place in the data and the statistics, those of a running epoch too."""
    extra = {"position": position, "stats": helper.stats.to_dict()}
    checkpoints.save(int(helper.state.step), helper.state, extra)


def main(folder, epochs, kill_in=None):
    jax.config.update("jax_numpy_dtype_promotion", "standard")
    state, stats = train(folder, int(epochs), None if kill_in is None else int(kill_in))
    leaves = {
        jax.tree_util.keystr(path): np.asarray(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(state)
    }
    np.savez(os.path.join(folder, "..", f"{os.path.basename(folder)}.npz"), **leaves)
    stats.save(os.path.join(folder, "..", f"{os.path.basename(folder)}.json"))


if __name__ == "__main__":
    main(*sys.argv[1:])
