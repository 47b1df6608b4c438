"""Hardware inference against what the reference's inference client computed."""

import json

import numpy as np
import pytest

from jslayer import hdf5
from tests.golden.load import folder


def runs():
    """Every run of the client; one skipped parameter where there are none."""
    if folder() is None:
        reason = "golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository"
        return [pytest.param(None, None, marks=pytest.mark.skip(reason=reason))]
    with open(folder() / "manifest_client.json") as file:
        found = json.load(file)["runs"]
    return [pytest.param(name, run, id=name) for name, run in found.items()]


@pytest.fixture(scope="module")
def blocks(shared):
    """What the trained blocks gave."""
    return np.load(shared / "golden/block_nets.npz")


def trained_output(blocks, case, name):
    """Output of a block; that of the last stands under its own name."""
    key = f"{case}/{name}"
    if key in blocks.files:
        return blocks[key]
    return blocks[f"{case}/output"]


@pytest.mark.parametrize(("name", "run"), runs())
def test_every_layer_equals_the_client_and_the_blocks(name, run, shared, blocks):
    client = np.load(shared / "golden/net_client.npz")
    case = name.split("+")[0]
    path = shared / f"golden/{case.replace('net.', 'net_')}.net"
    network = hdf5.inference(path, layout="client")
    x = client[f"{name}/input"]
    if run["options"].get("align"):
        # a neuron of the client has its bias before the first input comes, a block's has not
        head, state = network.run(x[..., :1], layers="all")
        tail, _ = network.run(x[..., 1:], network.rest(state), layers="all")
        found = {n: np.concatenate([head[n]["spike"], tail[n]["spike"]], -1) for n in head}
    else:
        found = {n: np.asarray(layer["spike"]) for n, layer in network(x, layers="all").items()}
    for number, described in enumerate(run["layers"]):
        ours, theirs = found[described["block"]], client[f"{name}/layer/{number}"]
        np.testing.assert_array_equal(ours, theirs, f"client layer {number}")
        if described["wrong_by_offset"]["0"] == 0:
            source = "eval_delayed/layer" if case == "net.sdnn_cnn" else "layer"
            trained = trained_output(blocks, case, f"{source}/{described['block']}")[run["sample"]]
            trained = trained.swapaxes(0, 2) if trained.ndim == 4 else trained
            np.testing.assert_array_equal(ours, trained * described["unit"])
        assert np.count_nonzero(ours) == described["nonzero"]
