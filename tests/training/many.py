"""One of several processes that train together, for the tests beside it.

``python -m tests.training.many FOLDER PORT PROCESSES PROCESS``: tries what must be refused, trains,
saves, and goes on until the last process is killed. Writes ``FOLDER/PROCESS.npz`` and ``.json``.
"""

import json
import os
import random
import signal
import sys
import threading

import jax
import numpy as np
import optax

from jslayer import classifier, datasets, hdf5, loss, training
from jslayer.block import Sequential, cuba
from jslayer.neuron import Dropout, MeanOnlyBatchNorm

BATCH, STEPS, EVERY = 8, 20, 5
ERROR = loss.SpikeRate(0.5, 0.1)


def data():
    """22 samples: two batches of 8 and one of 6, which four devices cannot share."""
    return list(
        datasets.XOR(6, neurons_per_bit=6, num_steps=16, rate=0.2, output_spikes=2, jitter=1.0)
    )[:22]


def network():
    """Small, with all that must be the same everywhere: norm, dropout, rates, constants."""
    neuron = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, "tau_grad": 0.1}
    learned = {**neuron, "requires_grad": True, "dropout": Dropout(0.2), "norm": MeanOnlyBatchNorm}
    return Sequential(
        [
            cuba.Dense(learned, 12, 8, weight_scale=4, delay=True),
            cuba.Dense(neuron, 8, 2, weight_scale=4, weight_norm=True),
        ]
    )


class Training:
    """A training on a mesh, from its beginning or from a checkpoint."""

    def __init__(self, mesh):
        samples = data()
        state = training.create_state(network(), samples[0][0][None], optax.adam(1e-2), seed=1)
        self.sharding = training.BatchSharding(mesh)
        self.loader = datasets.Loader(samples, BATCH, seed=7, sharding=self.sharding)
        self.helper = training.Assistant(
            training.replicate(state, mesh),
            ERROR,
            classifier=classifier.Rate.predict,
            rates=True,
            sparsity=(0.05, 0.5),
        )
        self.metrics = {}

    @property
    def step(self):
        return int(self.helper.state.step)

    def run(self, last, checkpoints=None):
        """Trains up to a step; saves now and then."""
        while self.step < last:
            for x, _, label in self.loader:
                found = self.helper.train(x, label)
                self.metrics[self.step] = jax.device_get(found)
                if self.loader.position == 0:
                    self.helper.end_epoch()
                if checkpoints is not None and self.step % EVERY == 0:
                    extra = {"loader": self.loader.state(), "stats": self.helper.stats.to_dict()}
                    checkpoints.save(self.step, self.helper.state, extra)
                if self.step == last:
                    break
        return self

    def resume(self, checkpoints):
        """Goes on from the newest checkpoint."""
        found = checkpoints.restore(self.helper.state)
        self.helper.state = found.state
        self.loader.load_state(found.extra["loader"])
        self.helper.stats = training.LearningStats.from_dict(found.extra["stats"])
        return self

    def arrays(self):
        """The state and all metrics by name."""
        found = jax.tree_util.tree_leaves_with_path((self.helper.state, self.metrics))
        return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in found}


def refused(call):
    """What an error says that must come."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def stop_one(process):
    """Fails in the last process only."""
    with training.processes.jointly():
        if process == training.processes.count() - 1:
            raise OSError("the disk is full")


def main(folder, port, processes, process):
    jax.config.update("jax_numpy_dtype_promotion", "standard")
    processes, process = int(processes), int(process)
    mesh = training.distributed(f"127.0.0.1:{port}", processes, process, heartbeat_s=10)
    found = {"devices": mesh.size}
    found["agree"] = refused(lambda: training.agree("options", {"seed": process // 1}))
    found["fault"] = refused(lambda: stop_one(process))
    found["state"] = refused(lambda: training.replicate({"w": np.full(2, process)}))
    found["batch"] = refused(
        lambda: training.shard({"w": np.ones(2)}, np.ones((2 + 2 * process, 3)))
    )
    run = Training(mesh)
    x, _, label = run.loader._read(0, np.arange(BATCH))
    found["own"] = refused(lambda: training.train_step(ERROR)(run.helper.state, x, label))
    found["parts"] = [run.sharding.rows(n).stop - run.sharding.rows(n).start for n in (8, 6)]

    networks = jax.vmap(lambda seed: jax.numpy.full(3, seed))(np.arange(2.0 * processes))
    networks = training.shard_networks({"w": networks})
    descent = jax.jit(jax.vmap(lambda w, x: w - x.mean(), (0, None)))
    trained = descent(networks["w"], np.ones(4, np.float32))
    found["networks"] = [part.data.tolist() for part in trained.addressable_shards]

    with training.Checkpoints(os.path.join(folder, "checkpoints")) as checkpoints:
        run.run(STEPS, checkpoints)
        np.savez(os.path.join(folder, f"{process}.npz"), **run.arrays())
        run.helper.stats.save(os.path.join(folder, "stats.json"))
        hdf5.export(os.path.join(folder, "network.net"), network(), run.helper.state.variables)
        with open(os.path.join(folder, f"{process}.json"), "w") as file:
            json.dump(found, file)
        if process == processes - 1:
            kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
            threading.Timer(random.uniform(0.0, 0.4), kill).start()
        run.run(10**6, checkpoints)


if __name__ == "__main__":
    main(*sys.argv[1:])
