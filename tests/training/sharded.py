"""Trains on 8 simulated devices and on one, for the test beside it; prints what differs as JSON."""

import json

import jax
import numpy as np
import optax

from jslayer import classifier, loss, utils
from jslayer.block import Sequential, cuba
from jslayer.neuron import MeanOnlyBatchNorm

STEPS = 4


def problem():
    neuron = {
        "threshold": 1.0,
        "current_decay": 0.25,
        "voltage_decay": 0.03,
        "tau_grad": 0.1,
        "requires_grad": True,
    }
    normed = {**neuron, "norm": MeanOnlyBatchNorm}
    network = Sequential(
        [
            cuba.Dense(normed, 12, 16, weight_scale=4, delay=True),
            cuba.Dense(neuron, 16, 4, weight_scale=4, weight_norm=True),
        ]
    )
    random = np.random.default_rng(0)
    x = np.asarray(random.random((STEPS, 32, 12, 20)) < 0.3, np.float32)
    return network, x, random.integers(0, 4, (STEPS, 32)).astype(np.int32)


def train(step, devices):
    network, x, label = problem()
    state = utils.create_state(network, x[0], optax.adam(1e-2), seed=0)
    mesh = utils.data_mesh(devices)
    state, first = utils.shard(state, (x[0], label[0]), devices=devices)
    metrics = []
    for number in range(STEPS):
        batch = utils.shard_batch((x[number], label[number]), mesh) if number else first
        state, measured = step(state, *batch)
        metrics.append(jax.device_get(measured))
    return state, metrics


def main():
    jax.config.update("jax_num_cpu_devices", 8)  # before the devices are used
    jax.config.update("jax_numpy_dtype_promotion", "standard")
    count = lambda y, label: (classifier.Rate.predict(y) == label).sum()
    options = {"count_correct": count, "rates": True, "gradient_norms": True}
    report = {"devices": jax.local_device_count()}
    for name, parts in (("whole", 1), ("parts", 2)):
        step = utils.train_step(loss.SpikeRate(0.3, 0.05), accumulate=parts, **options)
        many, measured = train(step, None)
        one, expected = train(step, jax.local_devices()[:1])
        differences = jax.tree.map(
            lambda a, b: float(np.max(np.abs(np.asarray(a) - np.asarray(b)))),
            (many.params, many.others, measured),
            (one.params, one.others, expected),
        )
        leaves = jax.tree.leaves(many.params)
        report[name] = {
            "params": max(jax.tree.leaves(differences[0])),
            "others": max(jax.tree.leaves(differences[1])),
            "metrics": max(jax.tree.leaves(differences[2])),
            "devices of the parameters": min(len(leaf.sharding.device_set) for leaf in leaves),
            "replicated": all(leaf.sharding.is_fully_replicated for leaf in leaves),
            "loss": [float(m["loss"]) for m in expected],
        }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
