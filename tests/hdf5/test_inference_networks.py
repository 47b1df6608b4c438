"""Hardware inference against the recorded networks: all layers, all steps, bit for bit."""

import h5py
import numpy as np
import pytest

from jslayer import hdf5
from tests.hdf5.files import CUBA, SDNN, conv, dense, from_client, layer, written


@pytest.fixture(scope="module")
def networks(shared):
    """The folder of the recorded networks."""
    folder = shared / "data/networks"
    if not folder.is_dir():
        pytest.skip(f"recorded networks absent: no folder data/networks in {shared}")
    return folder


def arrays(found):
    """What all layers gave, as arrays."""
    return {n: {k: np.asarray(v) for k, v in layer.items()} for n, layer in found.items()}


def test_pilotnet_lif_every_layer_every_state(networks):
    folder = networks / "pilotnet_lif"
    load = lambda name: np.load(folder / f"{name}.npy")
    network = hdf5.inference(folder / "network.net", reset_interval=17, layout="client")
    run = lambda: network(load("image"), steps=24, layers="all", record="all")
    found = arrays(run())
    np.testing.assert_array_equal(found[0]["spike"], load("input"))
    names = {1: "conv-0", 2: "conv-1", 3: "conv-2", 4: "conv-3", 5: "conv-4"}
    names |= {7: "fc-0", 8: "fc-1", 9: "fc-2"}
    for number, name in names.items():
        spike = load(name)
        np.testing.assert_array_equal(found[number]["spike"], spike, name)
        assert spike.any()
        if name != "conv-0":
            np.testing.assert_array_equal(found[number]["current"], load(f"{name}-u"), name)
            # the hardware shows its refractory count where a neuron has just spiked
            voltage = np.where(spike, 128, found[number]["voltage"])
            np.testing.assert_array_equal(voltage, load(f"{name}-v"), name)


def test_pilotnet_lif_output(networks):
    folder = networks / "pilotnet_lif"
    load = lambda name: np.load(folder / f"{name}.npy")
    network = hdf5.inference(
        folder / "network.net", reset_interval=16, reset_offset=-1, layout="client"
    )
    last = network(load("image"), steps=25, record="all")[10]
    np.testing.assert_array_equal(last["current"], load("fc-3-u"))
    np.testing.assert_array_equal(last["voltage"], load("fc-3-v"))
    np.testing.assert_array_equal(last["spike"], load("fc-3-s"))


def test_pilotnet_sdnn_output(networks):
    folder = networks / "pilotnet_sdnn"
    frame = np.load(folder / "input.npy")[..., 0]
    network = hdf5.inference(folder / "network.net", layout="client")
    found = arrays(network(frame, steps=20, layers="all"))
    np.testing.assert_array_equal(found[9]["spike"][:, :9], np.load(folder / "output.npy"))
    np.testing.assert_array_equal(found[0]["spike"], np.load(folder / "act0.npy"))


def test_pilotnet_sdnn_in_coarser_messages_stays_near(networks):
    folder = networks / "pilotnet_sdnn"
    frame = np.load(folder / "input.npy")[..., 0]
    coarse = hdf5.inference(folder / "network.net", layout="client", spike_exp=0)
    error = np.asarray(coarse(frame, steps=9)[9]["spike"]) - np.load(folder / "output.npy") / 64
    assert 0 < np.abs(error).mean() < 128


@pytest.mark.parametrize(
    ("name", "suffix", "sigmas"), [("network", "", 2), ("square_network", "_square", 4)]
)
def test_pilotnet_sdnn_sums_of_convolutions(networks, name, suffix, sigmas, tmp_path):
    folder = networks / "pilotnet_sdnn"
    act = np.load(folder / "act0.npy")
    act = act[:33] if suffix else act
    path = tmp_path / "tail.net"
    without_first_layer(folder / f"{name}.net", path)
    network = hdf5.inference(path, layout="client", input_message_bits=16)
    run = lambda: network(act, layers=range(sigmas), record="sigma")
    found = arrays(run())
    for number in range(sigmas):
        expected = np.load(folder / f"sigma{number + 1}{suffix}.npy")
        np.testing.assert_array_equal(found[number]["sigma"], expected)


def without_first_layer(source, target):
    """Copies a network without its input layer."""
    with h5py.File(source) as whole, h5py.File(target, "w") as tail:
        for number in range(1, len(whole["layer"])):
            whole.copy(f"layer/{number}", tail, f"layer/{number - 1}")


def test_oxford_first_layer(networks):
    folder = networks / "oxford"
    network = hdf5.inference(folder / "network.net", layout="client")
    events = np.load(folder / "input.npy")
    x = np.zeros((200, 2000))
    x[events[:, 0].astype(int), np.round(events[:, 2] * 1e-3 * 1e3).astype(int)] = 1
    np.testing.assert_array_equal(x, np.load(networks / "dense/in.npy"))
    found = arrays(network(x, layers="all", record="all"))
    np.testing.assert_array_equal(found[0]["spike"], np.load(networks / "dense/out.npy"))
    np.testing.assert_array_equal(found[0]["current"], 64 * np.load(networks / "dense/current.npy"))
    assert found[1]["spike"].any()


def test_dense(networks, tmp_path):
    load = lambda name: np.load(networks / f"dense/{name}.npy")
    neuron = CUBA | {"iDecay": 4096, "vDecay": 415, "vThMant": 6}
    block = dense(256, 200, neuron, weight=load("weight").astype(np.float32))
    network = hdf5.inference(written(tmp_path / "a.net", [block]), layout="client")
    found = network(load("in"), record="all")[0]
    np.testing.assert_array_equal(found["spike"], load("out"))
    np.testing.assert_array_equal(found["current"], 64 * load("current"))


TINY = CUBA | {"iDecay": 4096, "vDecay": 1024, "vThMant": 25}


def tiny_layers(load, neuron):
    """The input and the convolution of the tiny networks."""
    bias = load("layer1_bias").astype(np.float32)
    weight = from_client(load("layer1_kernel"))
    second = conv((24, 6, 6), weight, neuron, stride=(2, 2), bias=bias)
    return layer("input", (3, 16, 16), neuron), second


def test_tinynet_input(networks, tmp_path):
    load = lambda name: np.load(networks / f"tinynet/{name}.npy")
    network = hdf5.inference(
        written(tmp_path / "a.net", tiny_layers(load, TINY)[:1]), layout="client", reset_interval=17
    )
    spikes = np.asarray(network(load("input_bias"), steps=15)[0]["spike"])
    np.testing.assert_array_equal(spikes.transpose(2, 1, 0, 3), load("input")[0][..., 1:])


def test_tinynet_first_layer(networks, tmp_path):
    load = lambda name: np.load(networks / f"tinynet/{name}.npy")
    network = hdf5.inference(written(tmp_path / "a.net", tiny_layers(load, TINY)[1:]))
    x = np.pad(load("input")[..., 1:], [(0, 0)] * 4 + [(0, 1)])
    first, state = network.run(x[..., :1], record="all")
    rest, _ = network.run(x[..., 1:], network.rest(state), record="all")
    spikes = np.concatenate([0 * first[0]["spike"], rest[0]["spike"]], -1)
    np.testing.assert_array_equal(spikes, load("layer1"))
    np.testing.assert_array_equal(rest[0]["current"], 64 * load("current")[..., 1:])


def test_tinynet_sdnn(networks, tmp_path):
    load = lambda name: np.load(networks / f"tinynet_sdnn/{name}.npy")
    image, block = tiny_layers(load, SDNN | {"vThMant": 20})
    wave = np.sin(2 * np.pi * np.arange(15) / 15)
    frames = np.trunc(load("input_bias")[..., None] * wave)
    path = written(tmp_path / "a.net", [image])
    found = hdf5.inference(path, layout="client")(frames)[0]["spike"]
    np.testing.assert_array_equal(found, load("input"))

    path = written(tmp_path / "b.net", [block])
    one = hdf5.inference(path, layout="client", input_message_bits=16)
    found = np.asarray(one(load("input")[..., :1])[0]["spike"])
    np.testing.assert_array_equal(found, load("layer1")[..., :1])
    assert not load("layer1")[..., 1:].any()

    weight = load("layer2_weight").astype(np.float32)
    output = dense(100, 864, SDNN | {"sigma_output": True}, weight=weight)
    path = written(tmp_path / "c.net", [output])
    x = load("layer1").reshape(864, 16)
    found = hdf5.inference(path, layout="client")(x, record="sigma")[0]["sigma"]
    np.testing.assert_array_equal(found, load("layer2"))
