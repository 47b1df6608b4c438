"""The checksum of a network file."""

import random

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import Sequential, hdf5
from jslayer.block import cuba
from jslayer.hdf5.diff import diff
from tests.hdf5.files import dense, written

NEURON = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A file of two layers, with attributes of its own."""
    network = Sequential([cuba.Dense(NEURON, 6, 4), cuba.Dense(NEURON, 4, 2)])
    variables = network.init(jax.random.key(0), jnp.ones((1, 6, 3)))
    path = tmp_path_factory.mktemp("file") / "a.net"
    attributes = {"classes": "a, b", "rate": 0.5, "row": np.arange(3.0)}
    hdf5.export(path, network, variables, attributes=attributes)
    return path


def content_of(path):
    file = hdf5.read(path)
    weights = [w for layer in file.layers for w in layer.weights.values()]
    numbers = [layer.neuron.threshold for layer in file.layers]
    return [*weights, *numbers], {name: str(value) for name, value in file.attributes.items()}


def same(ours, theirs):
    return ours[1] == theirs[1] and all(map(np.array_equal, ours[0], theirs[0]))


def test_the_writer_writes_it_and_read_does_not_show_it(exported):
    with h5py.File(exported) as file:
        assert file.attrs["checksum"].startswith("sha256:")
    attributes = hdf5.read(exported).attributes
    assert "checksum" not in attributes and attributes["classes"] == "a, b"


def test_every_flipped_bit_is_found_or_changes_nothing(exported, tmp_path):
    whole, draw, path = exported.read_bytes(), random.Random(0), tmp_path / "a.net"
    original, refused = content_of(exported), 0
    weight = whole.index(h5py.File(exported)["layer/0/weight"][()].tobytes())
    for number in range(100):
        at = weight + 3 * number if number < 30 else draw.randrange(len(whole))
        damaged = bytearray(whole)
        damaged[at] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            found = content_of(path)
        except hdf5.NetworkFileError:
            refused += 1
        else:
            # only the name of the attribute itself may be another one
            others = {n: v for n, v in found[1].items() if not v.startswith("sha256:")}
            assert number >= 30 and same((found[0], others), original)
    assert refused > 40


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file["layer/1/neuron/vThMant"].write_direct(np.array(82)),
        lambda file: file["layer/0"].attrs.modify("w_scale", 32),
        lambda file: file["layer/0"].attrs.create("note", "mine"),
        lambda file: file.attrs.create("note", 1.0),
        lambda file: file.create_dataset("other", data=1.0),
        lambda file: file.create_dataset("other", data=np.zeros(2, "c8")),
        lambda file: file.move("layer/1/outFeatures", "layer/1/other"),
        lambda file: file.attrs.create("checksum", "sha256:0"),
        lambda file: file.attrs.create("checksum", 3),
    ],
)
def test_other_changes_are_found_and_the_message_tells_the_way_out(change, exported, tmp_path):
    path = tmp_path / "a.net"
    path.write_bytes(exported.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    sentence = (
        r"the file has a checksum that .*, expected .* `del file.attrs\['checksum'\]` in h5py"
    )
    for read in (hdf5.read, hdf5.load, hdf5.inference):
        with pytest.raises(hdf5.NetworkFileError, match=sentence):
            read(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["checksum"]
    hdf5.read(path)


def test_a_copy_that_is_stored_otherwise_has_the_same_one(exported, tmp_path):
    with h5py.File(exported) as old, h5py.File(tmp_path / "b.net", "w") as new:
        old.copy("layer", new)
        for name, value in reversed(list(old.attrs.items())):
            new.attrs[name] = value
        weight = new["layer/0/weight"][()]
        del new["layer/0/weight"]
        new.create_dataset(
            "layer/0/weight", data=weight.astype(">f4"), chunks=(2, 3), compression=9
        )
    assert same(content_of(tmp_path / "b.net"), content_of(exported))


def test_files_without_one_are_read_and_diff_does_not_mind_it(exported, tmp_path):
    assert len(hdf5.read(written(tmp_path / "a.net", [dense(3, 3)])).layers) == 1
    (tmp_path / "b.net").write_bytes(exported.read_bytes())
    with h5py.File(tmp_path / "b.net", "r+") as file:
        del file.attrs["checksum"]
    assert diff(exported, tmp_path / "b.net") == []


def test_a_file_that_just_fits_its_budget_is_checked_and_read(exported):
    assert len(hdf5.read(exported, max_bytes=2000).layers) == 2
    with pytest.raises(hdf5.NetworkFileError, match="`max_bytes`"):
        hdf5.read(exported, max_bytes=200)
