"""Reading network files: both dialects, every layer, shapes that fit."""

import re

import h5py
import numpy as np
import pytest

from jslayer import hdf5
from tests.golden import load
from tests.hdf5.files import ALIF, CUBA, RF, SDNN, conv, dense, even, layer, written


def read(tmp_path, *layers):
    return hdf5.read(written(tmp_path / "a.net", layers))


def test_every_recorded_network_reads(shared):
    for path in [*shared.glob("data/networks/*/*.net"), *shared.glob("golden/*.net")]:
        file = hdf5.read(path)
        assert [found.number for found in file.layers] == list(range(len(file.layers)))
        assert file.path == str(path)


def test_layers_come_by_number_not_by_text(shared):
    path = shared / "data/networks/pilotnet_lif/network.net"
    if not path.exists():
        pytest.skip(f"recorded network absent: {path}")
    file = hdf5.read(path)
    assert [found.type for found in file.layers] == ["input", *["conv"] * 5, "flatten"] + [
        "dense"
    ] * 4
    assert file.input_shape == (3, 66, 200)
    assert file.output_shape == (1,)
    first, last = file.layers[0], file.layers[10]
    assert (first.input_weight, first.input_bias, first.neuron.type) == (40, 36, "CUBA")
    assert last.weight.shape == (1, 10)
    assert last.stored_shape == (1, 1, 1)
    assert (last.neuron.voltage_decay, last.neuron.threshold) == (0, 131071)
    fourth = file.layers[4]
    assert (fourth.stride, fourth.padding, fourth.kernel) == ((2, 1), (1, 0), (3, 3))
    assert fourth.input_shape == (48, 7, 24)


def groups():
    if load.folder() is None:
        reason = "golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(c, id=c.id) for c in load.cases("blocks") if "hdf5" in c.data]


FIELDS = {"vThMant": "threshold", "vThStep": "threshold_step"} | {
    f"{short}Decay": f"{long}_decay"
    for short, long in {
        "i": "current",
        "v": "voltage",
        "th": "threshold",
        "ref": "refractory",
        "sin": "sin",
        "cos": "cos",
    }.items()
}


@pytest.mark.parametrize("case", groups())
def test_every_golden_group_reads_number_by_number(case, tmp_path):
    path = tmp_path / "a.net"
    with h5py.File(path, "w") as file:
        for name, described in case.data["hdf5"].items():
            text = described.get("text")
            value = case[f"hdf5/{name}"] if text is None else text
            file[f"layer/0/{name}"] = np.array(value, "S10") if isinstance(text, list) else value
    (found,) = hdf5.read(path).layers
    numbers = {
        name: case[f"hdf5/{name}"] for name, d in case.data["hdf5"].items() if not d.get("text")
    }
    parts = {
        name: numbers[name] for name in numbers if name.split("/")[0] in ("weight", "weight_rec")
    }
    if found.type != "input":
        assert set(found.weights) == set(parts)
        for name, value in parts.items():
            np.testing.assert_array_equal(found.weights[name], value)
            assert found.weights[name].dtype == np.int32
    for name, field in FIELDS.items():
        if f"neuron/{name}" in numbers:
            value = np.squeeze(numbers[f"neuron/{name}"])
            np.testing.assert_array_equal(getattr(found.neuron, field), value, name)
    for name in ("bias", "delay"):
        if name in numbers and found.type != "input":
            np.testing.assert_array_equal(getattr(found, name), numbers[name])
    for name in ("stride", "padding", "dilation"):
        if name in numbers:
            assert getattr(found, name) == tuple(numbers[name])
    if "neuron/type" in case.data["hdf5"]:
        assert found.neuron.type == case.data["hdf5"]["neuron/type"]["text"]
        assert found.neuron.graded == numbers.get("neuron/gradedSpike", False)


@pytest.mark.parametrize("text", ["dense", np.array([b"dense"]), np.bytes_(b"dense")])
def test_texts_may_have_fixed_or_variable_length(text, tmp_path):
    kind = h5py.string_dtype("ascii", 4)
    neuron = CUBA | {"type": np.array(b"CUBA", kind)}
    (found,) = read(tmp_path, dense(4, 3, neuron, type=text)).layers
    assert (found.type, found.neuron.type) == ("dense", "CUBA")


def test_older_files_read(tmp_path):
    older = {"wgtExp": 0, "theta": 5120, "tauRho": 0.5, "scaleRho": 1.0, "refDelay": 1}
    loihi = CUBA | older | {"type": "LOIHI"}
    weight = even(3, 2, 2, 2)
    file = read(
        tmp_path,
        layer("input", (2, 3, 3), loihi, weight=np.float32(40), bias=np.float64(36)),
        conv((3, 2, 2), weight[..., None], loihi, kernelSize=2, stride=[1], bias=np.float32([2])),
        layer("flatten", (1, 1, 12)),
        dense(1, 12, loihi, shape=np.array([1, 1, 1]), weight=even(12), bias=np.array([4.0])),
        dense(5, 1, loihi, shape=np.array([5, 1, 1]), weight=even(5), delay=np.float32(3)),
    )
    np.testing.assert_array_equal(file.layers[1].weight, weight)
    assert file.layers[1].bias == 2
    assert file.layers[2].shape == (12,)
    assert file.layers[3].weight.shape == (1, 12)
    assert file.layers[4].weight.shape == (5, 1)
    assert file.layers[4].delay == 3
    assert {found.neuron.type for found in file.layers if found.neuron} == {"CUBA"}


def test_flags_may_be_booleans_or_numbers(tmp_path):
    flags = CUBA | {"gradedSpike": np.int8(1)}
    output = SDNN | {"sigma_output": np.array([True])}
    file = read(tmp_path, dense(4, 3, flags), dense(2, 4, output))
    assert file.layers[0].neuron.graded is True
    assert file.layers[1].neuron.sigma_output is True


def test_numbers_may_be_per_channel(tmp_path):
    neuron = CUBA | {"iDecay": [1, 2, 3, 4], "vDecay": [[5], [6], [7], [8]], "vThMant": [80]}
    (found,) = read(tmp_path, dense(4, 3, neuron)).layers
    np.testing.assert_array_equal(found.neuron.current_decay, [1, 2, 3, 4])
    np.testing.assert_array_equal(found.neuron.voltage_decay, [5, 6, 7, 8])
    assert found.neuron.threshold.shape == ()
    assert found.neuron.current_decay.dtype == np.int64


def test_neurons_may_be_missing(tmp_path):
    bare = dense(4, 18)
    bare = {name: value for name, value in bare.items() if not name.startswith("neuron")}
    file = read(tmp_path, layer("input", (2, 3, 3)), layer("flatten", (18, 1, 1)), bare)
    assert [found.neuron for found in file.layers] == [None] * 3


def test_a_concat_joins_channels(tmp_path):
    first = conv((3, 4, 4), even(3, 2, 2, 2), ALIF)
    second = conv((5, 4, 4), even(5, 3, 1, 1))
    file = read(tmp_path, first, second, layer("concat", (8, 4, 4), layers=np.array([0])))
    assert file.layers[2].joined == (0,)
    assert file.layers[2].input_shape == (5, 4, 4)


def test_attributes_are_read(tmp_path):
    path = written(tmp_path / "a.net", [dense(4, 3)])
    with h5py.File(path, "r+") as file:
        file.attrs["writer"] = "jslayer"
        file["layer/0"].attrs["w_scale"] = 32
        file["layer/0"].attrs["row"] = [1, 2]
        file["layer/0"].attrs["table"] = [[1, 2]]
        file["layer/0"].attrs["texts"] = ["a", "b"]
        file["layer/0"].attrs["long"] = np.zeros(7000, np.int64)
    file = hdf5.read(path)
    assert file.attributes == {"writer": "jslayer"}
    (layer,) = file.layers
    assert set(layer.attributes) == {"w_scale", "row", "long"}
    assert layer.attributes["w_scale"] == 32
    assert layer.attributes["row"].tolist() == [1, 2]


def test_what_was_read_cannot_be_changed(tmp_path):
    (found,) = read(tmp_path, dense(4, 3, bias=even(4))).layers
    for value in (found.weight, found.bias, found.neuron.threshold):
        with pytest.raises(ValueError, match="read-only"):
            value[...] = 0


IMAGE = layer("input", (2, 5, 5), SDNN)
KERNEL = even(3, 2, 2, 2)

WRONG = {
    "a shape that the weight does not make": (
        [IMAGE, conv((3, 5, 4), KERNEL)],
        r"`layer/1/shape` is \[3, 5, 4\], expected \[3, 4, 4\], which layer/0 with \[2, 5, 5\]",
    ),
    "channels that the layer before lacks": (
        [IMAGE, conv((3, 4, 4), even(3, 4, 2, 2))],
        r"`layer/1/weight` takes 4 channels, of shape \(3, 4, 2, 2\), expected 2, for the output",
    ),
    "channels that shape denies": (
        [IMAGE, conv((4, 4, 4), KERNEL)],
        r"`layer/1/weight` makes 3 channels, of shape \(3, 2, 2, 2\), expected 4 as in `shape`",
    ),
    "a kernel size that the weight denies": (
        [IMAGE, conv((3, 4, 4), KERNEL, kernelSize=(2, 3))],
        r"`layer/1/kernelSize` is \(2, 3\), expected \(2, 2\), the last two sizes of `weight`",
    ),
    "a kernel larger than the image": (
        [IMAGE, conv((3, 1, 1), even(3, 2, 7, 7))],
        r"`layer/1/shape` is \[3, 1, 1\], expected \[3, -1, -1\]",
    ),
    "groups that do not divide": (
        [IMAGE, conv((3, 4, 4), even(3, 1, 2, 2), groups=2)],
        "`layer/1/groups` is 2, expected a divisor of 3",
    ),
    "declared channels that differ": (
        [IMAGE, conv((3, 4, 4), KERNEL, inChannels=3)],
        "`layer/1/inChannels` is 3, expected 2, as in `weight` and `groups`",
    ),
    "images without height and width": (
        [IMAGE, conv((3,), KERNEL)],
        r"`layer/1/shape` is \[3\], expected \[C, H, W\]",
    ),
    "a convolution of vectors": (
        [dense(4, 3), conv((3, 4, 4), KERNEL)],
        r"`layer/1` stands behind layer/0 of shape \[4\], expected images \[C, H, W\]",
    ),
    "inputs that the layer before lacks": (
        [dense(4, 3), dense(2, 5)],
        r"`layer/1/weight` takes 5 inputs, of shape \(2, 5\), expected 4, for the output \[4\]",
    ),
    "outputs that shape denies": (
        [dense(4, 3, shape=np.array([5]))],
        r"`layer/0/outFeatures` is 4, expected 5, the product of `shape`",
    ),
    "a matrix of another size": (
        [dense(4, 3, weight=even(5, 3), outFeatures=None)],
        r"`layer/0/weight` has shape \(5, 3\), expected \(4, in\)",
    ),
    "declared inputs that differ": (
        [dense(4, 3, inFeatures=9)],
        "`layer/0/inFeatures` is 9, expected 3, the second size of `weight`",
    ),
    "feedback of another size": (
        [dense(4, 3, kind="dense_rec", weight_rec=even(4, 3))],
        r"`layer/0/weight_rec` has shape \(4, 3\), expected \(4, 4\)",
    ),
    "feedback that is missing": (
        [dense(4, 3, kind="dense_rec")],
        "`layer/0/weight_rec` is missing, expected it in this place",
    ),
    "a flatten of another size": (
        [IMAGE, layer("flatten", (49, 1, 1))],
        r"`layer/1/shape` is \[49, 1, 1\], expected \[50\], which layer/0",
    ),
    "an average that cuts unevenly": (
        [dense(4, 3), layer("average", (3, 1, 1))],
        r"`layer/1/shape` is \[3, 1, 1\], expected a divisor of the 4 inputs",
    ),
    "a pool that changes channels": (
        [IMAGE, conv((3, 4, 4), even(1, 1, 2, 2), kind="pool")],
        r"`layer/1/shape` is \[3, 4, 4\], expected \[2, 5, 5\]",
    ),
    "a pool with a kernel per channel": (
        [IMAGE, conv((2, 4, 4), even(2, 1, 2, 2), kind="pool")],
        r"`layer/1/weight` has shape \(2, 1, 2, 2\), expected \(1, 1, kh, kw\)",
    ),
    "a second input": ([IMAGE, IMAGE], "`layer/1/type` is 'input', expected that only at layer/0"),
    "an unknown layer": (
        [IMAGE, layer("KWTA", (3,))],
        "`layer/1/type` is 'KWTA', expected one of input, flatten, average, concat, dense, dense_",
    ),
    "an unknown neuron": (
        [dense(4, 3, CUBA | {"type": "LIF"})],
        "`layer/0/neuron/type` is 'LIF', expected one of CUBA, LOIHI, ALIF",
    ),
    "a neuron without a number": (
        [dense(4, 3, {"type": "CUBA", "iDecay": 1, "vThMant": 80})],
        "`layer/0/neuron/vDecay` is missing, expected it in this place",
    ),
    "a decay out of range": (
        [dense(4, 3, CUBA | {"iDecay": 4097})],
        r"`layer/0/neuron/iDecay` holds 4097, expected whole numbers in \[0, 4096\]",
    ),
    "decays of another number of channels": (
        [dense(4, 3, CUBA | {"iDecay": [1, 2, 3]})],
        r"`layer/0/neuron/iDecay` has shape \(3,\), expected one number, or one for each of 4",
    ),
    "a weight between whole numbers": (
        [dense(4, 3, weight=even(4, 3) + np.float32(0.5))],
        r"`layer/0/weight` holds -?\d+.5, expected whole numbers in \[-32768, 32768\]; quantise",
    ),
    "a weight that is not finite": (
        [dense(4, 3, weight=even(4, 3) * np.float32(np.inf))],
        "`layer/0/weight` holds NaN or infinity, expected finite numbers",
    ),
    "a bias of another size": (
        [dense(4, 3, bias=even(3))],
        r"`layer/0/bias` has shape \(3,\), expected one number, or 4",
    ),
    "a delay of another size": (
        [dense(4, 3, delay=np.zeros(5))],
        r"`layer/0/delay` has shape \(5,\), expected one number, or 3 or 4",
    ),
    "a negative delay": (
        [dense(4, 3, delay=np.float32([0, -1, 0, 0]))],
        "`layer/0/delay` holds -1.0, expected whole numbers in",
    ),
    "a complex neuron with a real weight": (
        [dense(4, 3, RF)],
        "`layer/0/weight` is real, expected the other, for a neuron of type RF_PHASE",
    ),
    "a real neuron with a complex weight": (
        [dense(4, 3, weight=None, weight__real=even(4, 3), weight__imag=even(4, 3))],
        "`layer/0/weight` is complex, expected the other, for a neuron of type CUBA",
    ),
    "parts of two shapes": (
        [dense(4, 3, RF, weight=None, weight__real=even(4, 3), weight__imag=even(4, 2))],
        r"`layer/0/weight/imag` has shape \(4, 2\), expected \(4, 3\), as real",
    ),
    "a concat with a later layer": (
        [dense(4, 3), layer("concat", (8,), layers=np.array([1]))],
        r"`layer/1/layers` is \[1\], expected numbers of layers before 1",
    ),
    "a concat of images and vectors": (
        [IMAGE, layer("flatten", (50,)), layer("concat", (52,), layers=np.array([0]))],
        r"`layer/2/layers` joins shapes .*, expected equal heights and widths",
    ),
    "a shape of four sizes": (
        [layer("input", (1, 2, 3, 4))],
        r"`layer/0/shape` has shape \(4,\), expected 1 to 3 sizes",
    ),
    "a shape of nothing": (
        [layer("input", (2, 0, 4))],
        "`layer/0/shape` holds 0, expected whole numbers in",
    ),
    "more neurons than a computer holds": (
        [layer("input", (2**20, 2**10, 2))],
        r"`layer/0/shape` is \(1048576, 1024, 2\), 2147483648 neurons, expected at most 268435456",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_networks_that_make_no_sense_are_refused(name, tmp_path):
    layers, sentence = WRONG[name]
    with pytest.raises(hdf5.NetworkFileError, match=sentence) as caught:
        read(tmp_path, *layers)
    assert str(caught.value).startswith(f"{tmp_path / 'a.net'}: `layer/")
    assert re.search(r"; [a-z].*\.$", str(caught.value))
    assert caught.value.place.startswith("layer/")
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["0", "2"], "`layer` has 2 but not 1, expected the numbers 0 to 1"),
        (["1"], "`layer` has 1 but not 0, expected the numbers 0 to 0"),
        (["0", "01"], "`layer` has 01 but not 1, expected the numbers 0 to 1"),
        (["0", "x"], "`layer` has x but not 1, expected the numbers 0 to 1"),
        ([], "`layer` has 0 layers, expected 1 to 4096"),
    ],
)
def test_layers_must_be_numbered_from_zero(names, sentence, tmp_path):
    with h5py.File(tmp_path / "a.net", "w") as file:
        file.create_group("layer")
        for name in names:
            for key, value in dense(3, 3).items():
                file[f"layer/{name}/{key}"] = value
    with pytest.raises(hdf5.NetworkFileError, match=sentence):
        hdf5.read(tmp_path / "a.net")
