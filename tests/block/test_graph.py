"""Graphs of blocks: values, tools that take them, and the network file with its joins."""

import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jslayer as slayer
from jslayer import block, hdf5
from jslayer.block import Graph, cuba, sigma_delta

SPIKING = {"threshold": 0.3, "current_decay": 0.25, "voltage_decay": 0.03}
BARE = {"threshold": 0.1, "activation": "identity"}
HIDDEN = {"threshold": 0.1, "activation": "relu", "norm": slayer.neuron.MeanOnlyBatchNorm}
CONV = {"weight_scale": 2, "padding": 1}


def dense(**neuron):
    """A path around one block, and the network's input read twice."""
    given = {**SPIKING, **neuron}
    layer = functools.partial(cuba.Dense, weight_scale=3)
    blocks = [
        cuba.Input(None, persistent_state=True),
        layer(given, 6, 5),
        layer(given, 5, 4),
        layer(given, 15, 3),
    ]
    return Graph(blocks, sources=[(-1,), (0,), (1,), (2, 1, 0)], outputs=[3])


def detector():
    """Two scales: a head in the middle, a route around three synapses."""
    blocks = [
        sigma_delta.Input(BARE),
        sigma_delta.Conv(HIDDEN, 3, 4, 3, stride=2, **CONV),
        sigma_delta.Conv(HIDDEN, 4, 4, 3, stride=2, **CONV),
        sigma_delta.ConvOutput(BARE, 4, 2, 1, output_bias=-1.0),
        sigma_delta.Unpool({**BARE, "activation": "relu"}, 2),
        sigma_delta.Conv(HIDDEN, 8, 4, 3, **CONV),
        sigma_delta.ConvOutput(BARE, 4, 2, 1),
    ]
    sources = [(-1,), (0,), (1,), (2,), (2,), (4, 1), (5,)]
    return Graph(blocks, sources=sources, outputs=[3, 6])


def events(steps=12):
    return jax.random.bernoulli(jax.random.key(0), 0.4, (2, 6, steps)).astype(jnp.float32)


def frames(steps=8):
    levels = jax.random.randint(jax.random.key(0), (2, 3, 8, 12, steps), 0, 256)
    return levels.astype(jnp.float32) / 255


@functools.cache
def trained(make):
    """A network, its variables after a step of training, and an input."""
    network, x = make(), events() if make is dense else frames()
    variables = network.init(jax.random.key(1), x)
    _, updated = network.apply(variables, x, train=True, mutable=["batch_stats"])
    return network, {**variables, **updated}, x


def outputs(found):
    return found if isinstance(found, list) else [found]


def equal(found, expected):
    for one, other in zip(outputs(found), outputs(expected), strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.any(np.asarray(one))


def test_every_block_reads_what_its_sources_send():
    network, variables, x = trained(dense)
    own = lambda k: block.graph.own_variables((f"blocks_{k}",), variables)
    sent = []
    for k, read in enumerate(network.sources):
        into = jnp.concatenate([x if s < 0 else sent[s] for s in read], 1)
        sent.append(network.blocks[k].apply(own(k), into))
    equal(network.apply(variables, x), sent[-1])


@pytest.mark.parametrize("make", [dense, detector])
def test_stream_and_folded_and_summary(make):
    network, variables, x = trained(make)
    y = network.apply(variables, x)
    stream = block.stream(network)
    state, steps = stream.start(variables, x[..., 0]), []
    for t in range(x.shape[-1]):
        found, state = stream.step(variables, state, x[..., t])
        steps.append(outputs(found))
    equal([jnp.stack(part, -1) for part in zip(*steps, strict=True)], y)
    light, weights = block.folded(network, variables)
    equal(light.apply(weights, x), y)
    rows = block.summary(network, variables, x).rows
    assert len(rows) == len(network.blocks)
    assert sum(row["parameters"] for row in rows) == sum(
        leaf.size for leaf in jax.tree.leaves(variables["params"])
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("make", [dense, detector])
def test_load_gives_the_network_that_was_exported(make, tmp_path):
    network, variables, x = trained(make)
    hdf5.export(tmp_path / "a.net", network, variables)
    again, loaded = hdf5.load(tmp_path / "a.net")
    assert isinstance(again, Graph)
    assert (again.sources, again.outputs) == (network.sources, network.outputs)
    equal(again.apply(loaded, x), network.apply(variables, x))
    hdf5.export(tmp_path / "b.net", again, loaded)
    assert not hdf5.diff(tmp_path / "a.net", tmp_path / "b.net")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_inference_of_two_scales_is_the_network_with_a_step_per_synapse(tmp_path):
    network, variables, x = trained(detector)
    hdf5.export(tmp_path / "a.net", network, variables)
    file = hdf5.read(tmp_path / "a.net")
    (join,) = [layer for layer in file.layers if len(layer.sources) > 1]
    assert join.held == (0, 2)  # unpool stands two synapses behind the route
    late, loaded = hdf5.load(file, delay_shift=True)
    hardware = hdf5.inference(file, input_message_bits=16)
    found = hardware(hardware.encode(x))
    assert tuple(found) == file.outputs
    for spikes, y, bias in zip(found.values(), late.apply(loaded, x), (-1.0, 0.0), strict=True):
        np.testing.assert_array_equal(np.float64(spikes["spike"]) / 2**18 + bias, np.float64(y))
    state, steps = hardware.init(2), []
    for t in range(x.shape[-1]):
        state, sent = hardware.step(state, hardware.encode(x)[..., t])
        steps.append(sent[file.outputs[-1]]["spike"])
    np.testing.assert_array_equal(jnp.stack(steps, -1), found[file.outputs[-1]]["spike"])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_inference_of_shifting_blocks_is_the_network(tmp_path):
    network, variables, x = trained(dense)
    hdf5.export(tmp_path / "a.net", network, variables)
    found = hdf5.inference(tmp_path / "a.net")(x.astype(jnp.int32))
    y = network.apply(variables, x)
    (spikes,) = found.values()
    # an input layer takes no step on hardware, where the Input block takes one
    np.testing.assert_array_equal(spikes["spike"][..., :-1], y[..., 1:])


def test_counts_and_event_rates_come_along():
    network, variables, x = trained(detector)
    counting = network.clone(blocks=tuple(b.clone(count_log=True) for b in network.blocks))
    y, counts = counting.apply(variables, x)
    assert len(y) == 2
    assert len(counts) == len(network.blocks)
    _, updated = network.apply(variables, x, mutable=["intermediates"])
    rates = block.event_rates(updated["intermediates"])
    np.testing.assert_array_equal(counts, [rates[f"blocks_{k}"] for k in range(len(counts))])


@pytest.mark.parametrize(
    ("sources", "ends", "match"),
    [
        ([(-1,), (1,)], [1], r"`sources\[1\]`.*before 1"),
        ([(-1,)], [1], "1 entries for 2 blocks"),
        ([(-1,), ()], [1], r"`sources\[1\]`"),
        ([(-1,), (0,)], [2], "0 to 1"),
        ([(-1,), (-1,)], [1], r"`blocks` \[0\] are read by no block"),
    ],
)
def test_graphs_that_are_none_are_refused(sources, ends, match):
    with pytest.raises(ValueError, match=match):
        Graph([cuba.Dense(SPIKING, 3, 3)] * 2, sources=sources, outputs=ends)


def test_the_file_has_no_name_for_its_input(tmp_path):
    layer = cuba.Dense(SPIKING, 3, 3), cuba.Dense(SPIKING, 6, 3)
    network = Graph(layer, sources=[(-1,), (0, -1)], outputs=[1])
    variables = network.init(jax.random.key(0), jnp.ones((1, 3, 4)))
    with pytest.raises(ValueError, match="layer/1: reads the network's input"):
        hdf5.export(tmp_path / "a.net", network, variables)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "kind", ["Dense", "Conv", "ConvT", "Pool", "Output", "ConvOutput", "Affine"]
)
@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_sigma_delta_ends_run_as_trained(kind, activation, tmp_path):
    """Every kind of block as the last one: network = load, and = inference of its file."""
    neuron = {**BARE, "activation": activation, "readout": True}
    sizes = {"Conv": (3, 2, 3), "ConvT": (3, 2, 3), "ConvOutput": (3, 2, 3), "Pool": (2,)}
    args = sizes.get(kind, ((12, 8, 3), 2))
    blocks = [sigma_delta.Input(BARE), getattr(sigma_delta, kind)(neuron, *args)]
    network, x = block.Sequential(blocks), frames()
    variables = network.init(jax.random.key(3), x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        hdf5.export(tmp_path / "a.net", network, variables)
        hardware = hdf5.inference(tmp_path / "a.net", input_message_bits=16)
        again, loaded = hdf5.load(tmp_path / "a.net")
    y = network.apply(variables, x)
    equal(again.apply(loaded, x), y)
    spikes = hardware(hardware.encode(x))[1]["spike"]
    np.testing.assert_array_equal(
        np.float32(spikes[..., 1:]).reshape(y[..., 1:].shape) / 2**18, y[..., :-1]
    )
