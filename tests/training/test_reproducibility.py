"""What docs/reproducibility.md promises: what is the same twice, bit for bit."""

import hashlib
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jslayer import loss, training
from jslayer.block import Sequential, cuba

NEURON = {
    "threshold": 0.5,
    "current_decay": 0.5,
    "voltage_decay": 0.125,
    "tau_grad": 0.1,
    "scale_grad": 1.0,
    "requires_grad": True,
}
X = (np.random.default_rng(0).random((4, 6, 20)) < 0.3).astype(np.float32)
LABEL = np.array([0, 1, 1, 0])


def network():
    return Sequential([cuba.Dense(NEURON, 6, 8, delay=True), cuba.Dense(NEURON, 8, 2)])


def digest(tree):
    """Of all numbers, bit by bit."""
    found = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        found.update(np.asarray(leaf).tobytes())
    return found.hexdigest()


def trained():
    """Digests of the spikes before and of the parameters after three steps."""
    with jax.numpy_dtype_promotion("standard"):
        state = training.create_state(network(), X, optax.adam(0.01), seed=0)
        spikes = jax.jit(network().apply)(state.variables, X)
        assert 0.02 < float(spikes.mean()) < 0.9
        step = training.train_step(loss.SpikeRate(0.6, 0.1))
        for _ in range(3):
            state, _ = step(state, X, LABEL)
    return digest(spikes), digest(state.params)


def test_another_process_with_another_hash_seed_trains_the_same_parameters():
    code = "from tests.training import test_reproducibility as t; print(*t.trained())"
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    command = [sys.executable, "-c", f"import tests.conftest\n{code}"]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert tuple(found.stdout.split()) == trained() == trained()


def test_spikes_are_the_same_in_64_bits_over_devices_and_in_parts():
    net = network()
    variables = net.init(jax.random.key(0), jnp.asarray(X))
    run = jax.jit(net.apply)
    spikes = np.asarray(run(variables, X))
    assert spikes.any()
    parts = [run(variables, X[:1]), run(variables, X[1:])]
    np.testing.assert_array_equal(np.concatenate(parts), spikes)
    mesh = jax.make_mesh((2,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
    split = jax.device_put(X, jax.NamedSharding(mesh, jax.P("batch")))
    np.testing.assert_array_equal(run(variables, split), spikes)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(run(variables, X), spikes)
