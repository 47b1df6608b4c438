"""What is written as a NIR graph comes back with equal outputs, and what has no node is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import Sequential, axon, neuron, nir, synapse
from jslayer.block import Graph, adrf_iz, alif, cuba, rf_iz, sigma_delta
from jslayer.ops.surrogate import FastSigmoid

package = pytest.importorskip("nir", reason="the package nir is not installed")

UNIT = {"threshold": 0.5, "current_decay": 0.25, "voltage_decay": 0.03}
LIF = {**UNIT, "current_decay": 1}
IF = {**LIF, "voltage_decay": 0}
APART = {**UNIT, "shared_param": False}
MORE = {"weight_scale": 3}
MEAN = neuron.MeanOnlyBatchNorm


@pytest.fixture(autouse=True)
def _quick_draws():
    with jax.default_prng_impl("rbg"):
        yield


def events(*shape):
    return jnp.asarray(np.random.default_rng(0).random((1, *shape)) < 0.3, jnp.float32)


ROW, IMAGE = events(6, 30), events(2, 8, 8, 16)
NETWORKS = {
    "delays and feedback": (
        [
            cuba.Dense({**UNIT, "scale": 50}, 6, 8, weight_norm=True, delay_shift=False, **MORE),
            cuba.Recurrent(UNIT, 8, 8, delay=True, **MORE),
            cuba.Dense({**UNIT, "surrogate": FastSigmoid()}, 8, 5, delay=True, **MORE),
            axon.Delay(max_delay=9),
            cuba.Affine(LIF, 5, 3, dynamics=False, **MORE),
        ],
        ROW,
    ),
    "every neuron": (
        [
            cuba.Input(LIF, weight=0.5),
            cuba.Dense(IF, 6, 8, **MORE),
            cuba.Dense({**APART, "current_decay": (0.1, 0.5), "norm": MEAN}, 8, 4, **MORE),
            cuba.Dense({**APART, "threshold": np.array([0.25, 0.5])}, 4, 2, **MORE),
            cuba.Output(IF, 2, 3, **MORE),
        ],
        ROW,
    ),
    "images": (
        [
            cuba.Input(None),
            cuba.Conv({**APART, "shared_param": "neuron"}, 2, 4, 3, padding=1, **MORE),
            cuba.Pool(UNIT, 2),
            synapse.Pool(2, weight_scale=0.25),
            cuba.Conv({**LIF, "norm": MEAN}, 4, 3, 2, stride=2, dilation=1, **MORE),
            cuba.Flatten(),
            cuba.Affine(UNIT, 3, 4, **MORE),
        ],
        IMAGE,
    ),
    "read-out of images": (
        [cuba.Conv(UNIT, 2, 4, 3, groups=2, **MORE), cuba.ConvOutput(LIF, 4, 3, 1, **MORE)],
        IMAGE,
    ),
}


def shapes(tree):
    return jax.tree.map(lambda leaf: (jnp.shape(leaf), jnp.result_type(leaf)), dict(tree))


def trained(network, x):
    """Variables with means that are not zero, and delays of several steps."""
    variables = jax.jit(network.init)(jax.random.key(1), x)
    values = {"running_mean": 0.125, "delay": 2.75}
    new = lambda path, leaf: (
        jnp.full_like(leaf, values.get(path[-1].key, 0)) + (0 if path[-1].key in values else leaf)
    )
    return jax.tree_util.tree_map_with_path(new, variables)


def assert_comes_back(network, x, folder, **options):
    variables = trained(network, x)
    path = folder / "network.nir"
    nir.write(path, network, variables, dt=1e-3, input_shape=x.shape[1:-1], **options)
    # the package checks that all shapes fit, but knows no groups of channels
    package.read(path, type_check=not any(getattr(b, "groups", 1) > 1 for b in network.blocks))
    again, loaded = nir.read(path, method=options.get("method", "euler"))
    assert shapes(jax.eval_shape(again.init, jax.random.key(0), x)) == shapes(loaded)
    first = jax.tree.leaves(jax.jit(network.apply)(variables, x))
    second = jax.tree.leaves(jax.jit(again.apply)(loaded, x))
    assert any(y.any() for y in first)
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    return again


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_comes_back_with_equal_outputs(name, tmp_path):
    blocks, x = NETWORKS[name]
    again = assert_comes_back(Sequential(blocks), x, tmp_path)
    if name == "delays and feedback":
        kinds = [type(block).__name__ for block in again.blocks]
        assert kinds == ["Dense", "Recurrent", "Dense", "Delay", "Affine"]


def test_a_graph_of_two_heads_comes_back_by_the_other_rule_of_decays(tmp_path):
    dense = lambda inputs, outputs: cuba.Dense(UNIT, inputs, outputs, **MORE)
    network = Graph([dense(6, 4), dense(4, 3), dense(4, 2)], [(-1,), (0,), (0,)], [1, 2])
    assert_comes_back(network, ROW, tmp_path, method="exponential")


def test_the_numbers_are_those_of_the_stated_formula():
    network = Sequential([cuba.Dense(UNIT, 6, 2), cuba.Dense(LIF, 2, 2)])
    variables = jax.jit(network.init)(jax.random.key(0), ROW)
    graph = nir.to_graph(network, variables, dt=2e-3, keep_shift=False)
    assert list(graph.nodes) == ["input", "dense_0", "neuron_0", "dense_1", "neuron_1", "output"]
    a, b = 1024 / 4096, 123 / 4096
    unit, lif = graph.nodes["neuron_0"], graph.nodes["neuron_1"]
    np.testing.assert_allclose(unit.tau_syn, 2e-3 / a, rtol=1e-6)
    np.testing.assert_allclose(unit.w_in, 1 / a, rtol=1e-6)
    np.testing.assert_allclose([unit.tau_mem, lif.tau], 2e-3 / b, rtol=1e-6)
    np.testing.assert_allclose([unit.r, lif.r], 1 / b, rtol=1e-6)
    assert unit.v_threshold.tolist() == [0.5, 0.5] and not unit.v_reset.any()
    # a graph in memory reads as its file does
    again, _ = nir.read(graph)
    assert again.blocks[0].delay_shift is False
    with pytest.raises(ValueError, match=r"`dt` is -1, expected a finite number of seconds above"):
        nir.read(graph, dt=-1)


REFUSED = {
    "is a block KWTA, expected": [cuba.KWTA(UNIT, 6, 4, 2)],
    "has a neuron of alif, expected": [
        alif.Dense(
            {**UNIT, "threshold_step": 0.1, **{"threshold_decay": 0.1, "refractory_decay": 0.1}},
            6,
            4,
        )
    ],
    "has a neuron of rf_iz, expected": [
        rf_iz.Dense({"threshold": 1.0, "period": 9.0, "decay": 0.1}, 6, 4)
    ],
    "has a neuron of adrf_iz, expected": [
        adrf_iz.Dense(
            {
                "threshold": 1.0,
                "period": 9.0,
                "decay": 0.1,
                "threshold_step": 0.1,
                **{"threshold_decay": 0.1, "refractory_decay": 0.1},
            },
            6,
            4,
        )
    ],
    "has a neuron of sigma_delta, expected": [
        sigma_delta.Dense({"threshold": 0.5, "activation": "relu"}, 6, 4)
    ],
    "is a block Average, expected": [cuba.Average(2)],
    "is abs, no block, expected": [abs, cuba.Dense(LIF, 6, 4)],
    "has the norm WgtScaleBatchNorm, expected": [
        cuba.Dense({**UNIT, "norm": neuron.WgtScaleBatchNorm}, 6, 4)
    ],
    "sends graded spikes, expected": [cuba.Dense({**UNIT, "graded_spike": True}, 6, 4)],
    "has a voltage_decay of 0 beside other": [cuba.Dense({**UNIT, "voltage_decay": 0}, 6, 4)],
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_nir_has_no_node_for_is_refused_by_name(sentence):
    network = Sequential(REFUSED[sentence])
    zeros = lambda leaf: jnp.zeros(leaf.shape, leaf.dtype)
    variables = jax.tree.map(zeros, jax.eval_shape(network.init, jax.random.key(0), ROW))
    with pytest.raises((TypeError, ValueError), match=f"`network`: blocks_\\d {sentence}"):
        nir.to_graph(network, variables, dt=1e-3, input_shape=(6,))


def test_other_arguments_are_refused_in_a_sentence(tmp_path):
    network = Sequential([cuba.Conv(UNIT, 2, 4, 3, stride=2)])
    with pytest.raises(ValueError, match=r"`input_shape` is missing, expected \(C, H, W\)"):
        nir.to_graph(network, {"constants": {"blocks_0": {"shape": np.ones(3)}}}, dt=1e-3)
    for dt, said in ((None, "is missing"), (0.0, "is 0.0"), (np.nan, "is nan"), ("1", "is '1'")):
        with pytest.raises(ValueError, match=f"`dt` {said}, expected"):
            nir.to_graph(network, {}, dt=dt)
    with pytest.raises(ValueError, match="`method` is 'rk4', expected one of 'euler'"):
        nir.to_graph(network, {}, dt=1e-3, method="rk4")
    with pytest.raises(TypeError, match="`source` is a int, expected the name of a NIR file"):
        nir.read(3)
