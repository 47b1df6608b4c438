"""Describing and comparing network files."""

import json

import h5py
import numpy as np
import pytest

from jslayer import hdf5
from jslayer.hdf5.describe import describe, synapses, table
from jslayer.hdf5.diff import diff
from tests.hdf5.files import CUBA, RF, SDNN, conv, dense, even, layer, written


def test_a_table_of_layers(tmp_path):
    neuron = CUBA | {"iDecay": [1, 2, 3, 4]}
    weight = np.array([[2, -4, 6]] * 4, np.float32)
    blocks = [
        dense(4, 3, neuron, weight=weight, delay=np.arange(4.0)),
        layer("average", (2, 1, 1)),
    ]
    description = describe(hdf5.read(written(tmp_path / "a.net", blocks)))
    lines = table(description).splitlines()
    assert lines[0].split() == (
        "layer type shape delay neuron threshold decays neurons synapses weights".split()
    )
    assert lines[1].split() == (
        "0 dense 4 0..3 CUBA 80 current=1..4 voltage=128 4 12 -4..6".split()
    )
    assert lines[2].split() == "1 average 2 2 0".split()
    assert lines[3] == "4 neurons, 12 synapses"
    assert json.loads(json.dumps(description))["layers"][0]["decays"]["current"] == [1, 4]


@pytest.mark.parametrize(
    ("block", "number"),
    [
        (dense(4, 3, kind="dense_rec", weight_rec=even(4, 4)), 12 + 16),
        (conv((3, 4, 4), even(3, 2, 2, 2)), 3 * 4 * 4 * 2 * 2 * 2),
        (conv((4, 4, 4), even(4, 1, 2, 2), groups=2), 4 * 4 * 4 * 2 * 2),
        (conv((2, 5, 5), even(1, 1, 2, 2), kind="pool"), 2 * 5 * 5 * 2 * 2),
        (conv((3, 6, 6), even(2, 3, 2, 2), kind="convT"), 2 * 5 * 5 * 3 * 2 * 2),
        (conv((2, 6, 6), even(1, 1, 2, 2), kind="unpool"), 2 * 5 * 5 * 2 * 2),
        (
            conv((3, 4, 4), even(3, 2, 2, 2), RF, weight=None)
            | {"weight/real": even(3, 2, 2, 2), "weight/imag": even(3, 2, 2, 2)},
            2 * 3 * 4 * 4 * 2 * 2 * 2,
        ),
    ],
)
def test_synapses_are_counted(block, number, tmp_path):
    images = block["type"][0] not in (b"dense", b"dense_rec")
    first = [layer("input", (2, 5, 5), SDNN)] if images else []
    assert synapses(hdf5.read(written(tmp_path / "a.net", [*first, block])).layers[-1]) == number


def test_synapses_of_unknown_inputs_are_not_made_up(tmp_path):
    path = written(tmp_path / "a.net", [conv((3, 6, 6), even(2, 3, 2, 2), kind="convT")])
    assert synapses(hdf5.read(path).layers[0]) is None
    assert describe(hdf5.read(path))["synapses"] == 0


def test_equal_files_do_not_differ(tmp_path):
    blocks = [dense(4, 3), dense(2, 4)]
    assert diff(written(tmp_path / "a.net", blocks), written(tmp_path / "b.net", blocks)) == []


def test_every_kind_of_difference_is_told(tmp_path):
    a = written(tmp_path / "a.net", [dense(4, 3), dense(2, 4, bias=even(2))])
    b = written(tmp_path / "b.net", [dense(4, 3), dense(2, 4, delay=np.zeros(2))])
    with h5py.File(b, "r+") as file:
        file["layer/0/weight"][1, 2] += 8
        file["layer/0"].attrs["w_scale"] = 64
        del file["layer/0/neuron/type"], file["layer/0/neuron/iDecay"], file["layer/0/shape"]
        file["layer/0/neuron/type"] = "LOIHI"
        file["layer/0/neuron/iDecay"] = np.int32(1024)
        file["layer/0/shape"] = np.array([4, 1, 1])
        del file["layer/0/type"]
        file["layer/0/type"] = 3.0
    assert diff(a, b) == [
        "layer/0/neuron/iDecay: dtype int64 and int32",
        "layer/0/neuron/type: 'CUBA' and 'LOIHI'",
        "layer/0/shape: shape (1,) and (3,)",
        "layer/0/type: a text in one file, numbers in the other",
        "layer/0@w_scale: only in the second file",
        "layer/0/weight: 1 of 12 numbers differ, by up to 8",
        "layer/1/bias: only in the first file",
        "layer/1/delay: only in the second file",
    ]


def test_layers_are_listed_by_number(tmp_path):
    blocks = [dense(3, 3) for _ in range(12)]
    a = written(tmp_path / "a.net", blocks)
    b = written(tmp_path / "b.net", [block | {"weight": even(3, 3) + 2} for block in blocks])
    numbers = [int(line.split("/")[1]) for line in diff(a, b)]
    assert numbers == list(range(12))


def test_nan_equals_nan(tmp_path):
    blocks = [dense(3, 3, weight=np.full((3, 3), np.nan, np.float32))]
    assert diff(written(tmp_path / "a.net", blocks), written(tmp_path / "b.net", blocks)) == []


def test_an_object_of_several_names_is_compared_once(tmp_path):
    paths = [written(tmp_path / name, [dense(3, 3)]) for name in ("a.net", "b.net")]
    for path in paths:
        with h5py.File(path, "r+") as file:
            file["layer/0/tie"] = file["layer/0/weight"]
            file["layer/0/up"] = file["layer"]
    assert diff(*paths) == []
    with h5py.File(paths[1], "r+") as file:
        del file["layer/0/tie"]
        file["layer/0/tie"] = 3.0
    places = {line.split(":")[0] for line in diff(*paths)}
    assert places == {"layer/0/tie", "layer/0/weight"}


def test_groups_too_deep_are_refused(tmp_path):
    path = written(tmp_path / "a.net", [dense(3, 3)])
    with h5py.File(path, "r+") as file:
        file.create_group("a/" * 20)
    with pytest.raises(hdf5.NetworkFileError, match="lies too deep, expected 16 groups in groups"):
        diff(path, path)


def test_a_lattice_of_names_is_compared_at_once(tmp_path):
    with h5py.File(tmp_path / "a.net", "w") as file:
        below = file.create_group("layer")
        for level in range(15):
            above = file.create_group(f"level{level}")
            for name in range(8):
                above[str(name)] = below
            below = above
    assert diff(tmp_path / "a.net", tmp_path / "a.net") == []
