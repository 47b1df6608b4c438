"""Data parallelism: the same step on eight simulated devices gives what it gives on one."""

import json
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer import loss, training
from jslayer.block import Sequential, cuba
from jslayer.training import BatchSharding, data_mesh, replicate, shard, shard_batch


@pytest.mark.slow
def test_eight_devices_train_as_one_does(repository):
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.sharded"],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report.pop("devices") == 8
    for found in report.values():
        assert found["loss"][-1] != found["loss"][0]
        assert found["devices of the parameters"] == 8
        assert found["replicated"]
        # sums over the batch come in another order: float32 rounding, times four steps of Adam
        assert found["params"] < 1e-5
        assert found["others"] < 1e-6
        assert found["metrics"] < 1e-4


def test_a_batch_is_split_and_a_state_is_copied():
    devices = jax.local_devices()
    state, (x, label, note) = shard({"w": jnp.ones(3)}, (np.ones((8, 3, 5)), np.arange(8), 0.5))
    assert {shard.data.shape for shard in x.addressable_shards} == {(8 // len(devices), 3, 5)}
    np.testing.assert_array_equal(label, np.arange(8))
    assert note.sharding.is_fully_replicated
    assert state["w"].sharding.is_fully_replicated
    assert state["w"].sharding.device_set == set(devices)
    assert x.sharding.mesh == data_mesh()


def test_devices_may_be_chosen():
    mesh = data_mesh(jax.local_devices()[:1])
    assert shard_batch(np.ones(3), mesh).sharding.device_set == {jax.local_devices()[0]}
    assert replicate(np.ones(3), mesh).sharding.is_fully_replicated


def test_a_batch_that_cannot_be_split_is_refused():
    if jax.local_device_count() < 2:
        pytest.skip("needs two devices")
    with pytest.raises(ValueError, match=r"`batch` has 3 samples for \d devices, expected a mult"):
        shard_batch(np.ones((3, 2)))


def test_a_batch_that_does_not_divide_stays_whole():
    devices = jax.local_devices()[:2]
    if len(devices) < 2:
        pytest.skip("needs two devices")
    sharding = BatchSharding(data_mesh(devices))
    assert sharding.rows(8) == slice(0, 8)
    assert {part.data.shape for part in sharding.place(np.ones((8, 3)), 8).addressable_shards} == {
        (4, 3)
    }
    assert sharding.place((np.ones((7, 3)), 2.0), 7)[0].sharding.is_fully_replicated
    with pytest.raises(ValueError, match="`batch` has 6 samples, expected 8 of 8; take those of"):
        sharding.place(np.ones((6, 3)), 8)


def test_networks_are_split_over_devices_and_send_each_other_nothing():
    devices = jax.local_devices()[:2]
    if len(devices) < 2:
        pytest.skip("needs two devices")
    neuron = {"threshold": 0.5, "current_decay": 0.25, "voltage_decay": 0.03}
    network = Sequential([cuba.Dense(neuron, 3, 2, weight_scale=4)])
    x, label = np.ones((4, 3, 8), np.float32), np.array([0, 1, 0, 1])
    step = training.train_step(loss.SpikeRate(0.5, 0.1))
    with jax.numpy_dtype_promotion("standard"):
        member = lambda seed: training.create_state(network, x, optax.sgd(0.1), seed=seed)
        states = training.shard_networks(jax.vmap(member)(jnp.arange(4)), devices=devices)
        together = jax.jit(jax.vmap(step, (0, None, None))).lower(states, x, label).compile()
        after, metrics = together(states, x, label)
        alone, expected = step(member(3), x, label)
    assert not re.search(r"(all-\w+|collective-permute|reduce-scatter)\(", together.as_text())
    weights = jax.tree.leaves(after.params)
    assert {part.data.shape[0] for leaf in weights for part in leaf.addressable_shards} == {2}
    np.testing.assert_allclose(metrics["loss"][3], expected["loss"], rtol=1e-6)
    for leaf, one in zip(weights, jax.tree.leaves(alone.params), strict=True):
        np.testing.assert_allclose(leaf[3], one, rtol=1e-6)
    with pytest.raises(ValueError, match=r"`states` has an array of shape \(3, 2\) for 2 devices"):
        training.shard_networks({"w": np.ones((3, 2))}, devices=devices)


@pytest.mark.parametrize("policy", ["save", "save_spikes"])
def test_a_network_of_images_is_split_with_its_batch(policy):
    devices = jax.local_devices()
    if len(devices) < 2:
        pytest.skip("needs two devices")
    neuron = {"threshold": 0.5, "current_decay": 0.25, "voltage_decay": 0.03, "policy": policy}
    network = Sequential(
        [
            cuba.Conv(neuron, 2, 4, 3, padding=1, delay=True),
            cuba.Pool(neuron, 2),
            cuba.ConvT(neuron, 4, 4, 2, 2),
            cuba.Unpool(neuron, 2),
            cuba.Flatten(),
            cuba.Dense(neuron, None, 3),
        ]
    )
    x = jax.ShapeDtypeStruct((8, 2, 6, 6, 16), jnp.float32)
    variables = jax.eval_shape(network.init, jax.random.key(0), x)

    def compiled(devices):
        mesh = data_mesh(devices)
        place = lambda leaf, spec: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=jax.NamedSharding(mesh, spec)
        )
        batch = place(x, jax.P(mesh.axis_names[0]))
        held = jax.tree.map(lambda leaf: place(leaf, jax.P()), variables)
        objective = lambda v, x: jnp.sum(network.apply(v, x) ** 2)
        return jax.jit(jax.grad(objective, allow_int=True)).lower(held, batch).compile()

    one, two = compiled(devices[:1]), compiled(devices[:2])
    size = lambda program: program.memory_analysis().temp_size_in_bytes
    assert size(two) < 0.6 * size(one)
    assert not re.search(r"(all-gather|all-to-all|collective-permute)\(", two.as_text())
