"""Networks take batches of lists of events where they take the tensor, and compute the same."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer import block, hdf5, loss, neuron, synapse, training
from jslayer.block import stream, summary
from jslayer.ops import EventBatch

CUBA = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03, "requires_grad": True}
ADAPTIVE = {**CUBA, "threshold_step": 0.2, "threshold_decay": 0.1, "refractory_decay": 0.1}
RF = {"threshold": 0.5, "period": 8, "decay": 0.1}
ADAPTIVE_RF = {**RF, "threshold_step": 0.2, "threshold_decay": 0.1, "refractory_decay": 0.1}
NEURONS = {
    "cuba": CUBA,
    "alif": ADAPTIVE,
    "rf": RF,
    "rf_iz": RF,
    "adrf": ADAPTIVE_RF,
    "adrf_iz": ADAPTIVE_RF,
    "sigma_delta": {"threshold": 0.1, "activation": jax.nn.relu},
}
STEPS = 20
MASK = np.arange(48).reshape(4, 12) % 3 > 0


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """The way of a process with one device, whose lists are read as they are."""
    monkeypatch.setattr(jax, "device_count", lambda *_: 1)


@functools.cache
def events(*shape):
    """Events as a tensor and as lists."""
    x = np.random.default_rng(0).random((2, *shape, STEPS)) < 0.2
    return x, EventBatch.from_dense(x)


def same(network, shape, rtol=1e-5):
    """Output and gradients of a network for lists are those for the tensor."""
    x, batch = events(*shape)
    variables = jax.jit(network.init)(jax.random.key(1), batch)
    params = variables.get("params", {})

    @jax.jit
    def run(params, x):
        def value(params):
            y = network.apply({**variables, "params": params}, x)
            return jnp.sum(jnp.cos(jnp.arange(y.size * 1.0)).reshape(y.shape) * y), y

        return jax.grad(value, has_aux=True)(params)

    (ours, y), (due, expected) = run(params, batch), run(params, x.astype(np.float32))
    assert np.any(expected)
    np.testing.assert_array_equal(y, expected)
    for one, other in zip(jax.tree.leaves(ours), jax.tree.leaves(due), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * np.abs(other).max())


@pytest.mark.parametrize("family", NEURONS)
def test_a_dense_block_of_every_family_behind_flatten(family):
    kinds = getattr(block, family)
    layer = kinds.Dense(NEURONS[family], 12, 4, weight_scale=4, delay=True)
    same(block.Sequential([kinds.Flatten(), layer]), (3, 2, 2))


OPTIONS = {
    "mask, norm and own hook": {
        "mask": MASK,
        "weight_norm": True,
        "pre_hook_fx": lambda weight: jnp.round(weight * 8) / 8,
    },
    "bfloat16": {"dtype": jnp.bfloat16},
    "images": {"in_neurons": (2, 2, 3), "mask": MASK[:, :3]},
    "sizes from the input": {"in_neurons": None},
    "events kept": {"neuron_params": {**CUBA, "policy": "save_spikes"}},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_dense_block_with_options(name):
    given = {"neuron_params": CUBA, "in_neurons": 12, "out_neurons": 4, "weight_scale": 4}
    layer = block.cuba.Dense(**{**given, **OPTIONS[name]})
    same(layer, (3, 2, 2) if name.startswith("images") else (12,))


OTHERS = {
    "recurrent": (block.cuba.Recurrent(CUBA, 12, 4, weight_scale=4), (12,)),
    "winners": (block.rf.KWTA(RF, 12, 4, num_winners=2, weight_scale=4, bias=1.0), (12,)),
    "read-out": (block.cuba.Affine(CUBA, 12, 4), (12,)),
    "convolution": (block.cuba.Conv(CUBA, 3, 2, 2, weight_scale=4), (3, 2, 2)),
    "dense per pixel": (block.cuba.Dense(CUBA, 3, 2, weight_scale=4), (3, 2, 2)),
    "input": (block.cuba.Input({**CUBA, "threshold": 0.2}), (3, 2, 2)),
    "average": (block.cuba.Average(3), (3, 2, 2)),
    "decimation": (block.cuba.TimeDecimation(4), (3, 2, 2)),
    "function": (block.Sequential([lambda x: 2.0 * x]), (3,)),
    "neuron": (block.Sequential([neuron.cuba.Neuron(0.2, 0.5, 0.1)]), (3,)),
    "synapse": (synapse.complex.Dense(12, 4, weight_scale=8, pre_hook_fx=jnp.round), (12,)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_first_layers_give_the_same_output(name):
    network, shape = OTHERS[name]
    x, batch = events(*shape)
    variables = jax.jit(network.init)(jax.random.key(1), batch)
    run = jax.jit(network.apply)
    y, expected = run(variables, batch), run(variables, x.astype(np.float32))
    jax.tree.map(np.testing.assert_array_equal, y, expected)


def test_a_training_step_learns_the_same_from_lists_also_in_parts_of_the_batch():
    x, batch = events(3, 2, 2)
    network = block.Sequential(
        [block.cuba.Flatten(), block.cuba.Dense(CUBA, 12, 4, weight_scale=4, weight_norm=True)]
    )
    label = jnp.array([0, 3])
    with jax.numpy_dtype_promotion("standard"):
        found = []
        for given, parts in ((batch, 1), (batch, 2), (x, 1)):
            state = training.create_state(network, batch, optax.adam(0.01), seed=0)
            step = training.train_step(loss.SpikeRate(0.5, 0.1, reduction="sum"), accumulate=parts)
            for _ in range(2):
                state, metrics = step(state, given, label)
            found.append((metrics["loss"], state.params))
    for losses, params in found[:2]:
        np.testing.assert_allclose(losses, found[2][0], rtol=1e-6)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), params, found[2][1]
        )


def test_nothing_is_compiled_again_for_a_batch_of_like_size():
    layer = block.cuba.Dense(CUBA, 12, 4)
    variables = layer.init(jax.random.key(0), events(12)[1])
    run = jax.jit(lambda x: layer.apply(variables, x))
    for seed in range(3):
        x = np.random.default_rng(seed).random((2, 12, STEPS)) < 0.2
        run(EventBatch.from_dense(x, capacity=(12, 128)))
    assert run._cache_size() == 1


def test_a_batch_is_split_over_devices_by_sample(monkeypatch):
    monkeypatch.undo()
    _, batch = events(12)
    layer = block.cuba.Dense(CUBA, 12, 4, weight_scale=4)
    variables = layer.init(jax.random.key(0), batch)
    split = training.shard_batch(batch)
    assert len(split.lists.rows.sharding.device_set) == jax.device_count() == 2
    run = jax.jit(layer.apply)
    np.testing.assert_array_equal(run(variables, split), run(variables, batch))
    variables = training.replicate(variables)
    gradient = jax.jit(jax.grad(lambda v, x: jnp.sum(layer.apply(v, x)), allow_int=True))
    for program in (run, gradient):  # lists stay where their samples are
        assert "all-gather" not in program.lower(variables, split).compile().as_text()


def test_tables_chunks_and_hardware_take_lists_and_what_cannot_says_so(tmp_path):
    x, batch = events(12)
    network = block.Sequential([block.cuba.Dense(CUBA, 12, 4, weight_scale=4)])
    variables = network.init(jax.random.key(0), batch)
    assert str(summary(network, variables, batch)) == str(summary(network, variables, x))
    assert synapse.operations(synapse.Dense(12, 4), batch) == 4 * x.sum()
    y = training.time_chunks(network, 8)(variables, batch)
    np.testing.assert_array_equal(y, network.apply(variables, batch))
    hdf5.export(tmp_path / "network.net", network, variables)
    spikes = hdf5.inference(tmp_path / "network.net")(batch)[0]["spike"]
    np.testing.assert_array_equal(spikes, y)
    with pytest.raises(TypeError, match=r"a batch of events, expected .*`batch\.to_dense\(\)`"):
        neuron.cuba.Neuron(1.0, 0.5, 0.1).apply({}, batch)
    start, _ = stream(network)
    with pytest.raises(TypeError, match=r"batch\.to_dense\(\)"):
        start(variables, batch)


def test_lists_of_another_size_than_the_network_are_refused():
    _, batch = events(3, 2, 2)
    with pytest.raises(ValueError, match=r"`x` has shape \(2, 12, 20\).*expected 10 \(in_neurons"):
        block.Sequential([block.cuba.Flatten(), block.cuba.Dense(CUBA, 10, 4)]).init(
            jax.random.key(0), batch
        )
    with pytest.raises(ValueError, match=r"expected \[N, C, H, W, T\] with .* \(3, 2, 4\)"):
        block.cuba.Dense(CUBA, (4, 2, 3), 4).init(jax.random.key(0), batch)
