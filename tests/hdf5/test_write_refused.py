"""Writing network files: what no file can say, what is warned about, where none can be written."""

import os
import re

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import Sequential, block, hdf5, neuron
from jslayer.neuron import cuba
from tests.block import cases
from tests.neuron import cases as neurons

LEAKY = {"threshold": 0.5, "current_decay": 0.25, "voltage_decay": 0.05}
DELTAS = {"threshold": 0.1, "activation": "relu"}
TURN = neurons.FIELDS["rf"]
FLAT, IMAGE = (1, 3, 4), (1, 2, 4, 4, 3)


def made(one, shape=FLAT):
    """A network of one block behind a flat input, and its variables."""
    network = Sequential([one])
    return network, jax.jit(network.init)(jax.random.key(0), jnp.ones(shape))


@pytest.mark.parametrize(
    ("one", "shape", "error", "sentence"),
    [
        (block.cuba.TimeDecimation(2), FLAT, TypeError, "(TimeDecimation): `block` is a TimeDeci"),
        (block.custom.Dense(cases.CUSTOM, 3, 2), FLAT, TypeError, "expected one of the library's"),
        (
            block.sigma_delta.Dense({**DELTAS, "activation": cuba.Neuron(**LEAKY)}, 3, 2),
            *(FLAT, TypeError, "`activation` is a Neuron, a neuron inside a neuron"),
        ),
        (
            block.sigma_delta.Dense({**DELTAS, "encoder": True}, 3, 2),
            *(FLAT, ValueError, "`encoder` is True, expected False behind a synapse"),
        ),
        (
            block.sigma_delta.Conv({**DELTAS, "bias": 0.5, "bias_param": "neuron"}, 2, 2, 3),
            *(IMAGE, ValueError, "`neuron/bias` has shape (2, 2, 2), one number per neuron"),
        ),
        (
            block.sigma_delta.Dense({**DELTAS, "bias": 9000.0}, 3, 2),
            *(FLAT, ValueError, "`bias` times scale 64 reaches 576000, expected at most 131072"),
        ),
        (
            block.rf.KWTA(TURN, 3, 4, 2),
            *(FLAT, ValueError, "of k winners take all enters the sums of a rf neuron"),
        ),
        (
            block.sigma_delta.KWTA(DELTAS, 3, 4, 2, bias=0.5),
            *(FLAT, ValueError, "enters the sums of a sigma_delta neuron at every step"),
        ),
        (
            block.cuba.KWTA({**LEAKY, "current_decay": 0.0}, 3, 4, 2),
            *(FLAT, ValueError, "grows without end where iDecay is 0"),
        ),
        (
            block.cuba.KWTA({**LEAKY, "current_decay": 0.001}, 3, 4, 2, bias=3.0),
            *(FLAT, ValueError, "comes to 196608 on the voltage, expected at most 131072"),
        ),
    ],
)
def test_what_no_file_can_say_is_refused(one, shape, error, sentence, tmp_path):
    with pytest.raises(error, match=re.escape(sentence)):
        hdf5.export(tmp_path / "a.net", *made(one, shape))
    assert list(tmp_path.iterdir()) == []


def test_a_norm_in_a_block_with_feedback_is_refused(tmp_path):
    _, variables = made(block.cuba.Recurrent(LEAKY, 3, 4))
    normed = block.cuba.Recurrent({**LEAKY, "norm": neuron.MeanOnlyBatchNorm}, 3, 4)
    with pytest.raises(ValueError, match=r"\(Recurrent\): `norm` is given, expected None in a"):
        hdf5.export(tmp_path / "a.net", Sequential([normed]), variables)


@pytest.mark.parametrize(
    ("one", "shape", "sentence"),
    [
        (block.cuba.Dense(LEAKY, 3, 2, delay_shift=False), FLAT, "delay_shift=False, where infere"),
        (
            block.alif.Dense(neurons.FIELDS["alif"], 3, 2),
            FLAT,
            "take ALIF neurons for neurons wi",
        ),
        (block.cuba.Average(3), FLAT, "inference tools know no average"),
        (block.cuba.Pool(LEAKY, 2), IMAGE, "inference tools know no pool"),
        (block.rf.Conv(TURN, 2, 3, 2), IMAGE, "inference tools know no complex conv"),
        (
            block.sigma_delta.Dense({**DELTAS, "activation": "tanh"}, 3, 2),
            *(FLAT, "activation tanh, where inference tools always compute relu"),
        ),
        (
            block.sigma_delta.Dense({**DELTAS, "cum_error": True}, 3, 2),
            *(FLAT, "cum_error=True is not in the format"),
        ),
        (
            block.sigma_delta.Dense({**DELTAS, "bias": 0.3}, 3, 2),
            *(FLAT, "the neuron's own bias is rounded to whole numbers, by up to 0.2 of"),
        ),
        (
            block.rf.Dense({**TURN, "norm": neuron.MeanOnlyBatchNorm}, 3, 2),
            *(FLAT, "the norms of a complex neuron have no place in the format"),
        ),
    ],
)
def test_what_inference_tools_do_otherwise_is_warned_about(one, shape, sentence, tmp_path):
    with pytest.warns(UserWarning, match=sentence):
        hdf5.export(tmp_path / "a.net", *made(one, shape))
    assert hdf5.read(tmp_path / "a.net").layers


def test_delays_of_images_are_warned_about_where_there_are_some(tmp_path):
    network, variables = made(block.cuba.Conv(LEAKY, 2, 3, 2, delay=True), IMAGE)
    hdf5.export(tmp_path / "a.net", network, variables)
    variables["params"]["blocks_0"]["delay_line"]["delay"] = jnp.ones(3)
    with pytest.warns(UserWarning, match="ignore the delays of convolutions"):
        hdf5.export(tmp_path / "a.net", network, variables)


def test_a_network_in_a_network_is_one_chain(tmp_path):
    inner = Sequential([block.cuba.Dense(LEAKY, None, 4), block.cuba.Dense(LEAKY, None, 3)])
    network = Sequential([inner, block.cuba.Dense(LEAKY, None, 2)])
    variables = jax.jit(network.init)(jax.random.key(0), jnp.ones(FLAT))
    hdf5.export(tmp_path / "a.net", network, variables)
    shapes = [layer.weight.shape for layer in hdf5.read(tmp_path / "a.net").layers]
    assert shapes == [(4, 3), (3, 4), (2, 3)]


def test_the_file_says_who_wrote_it_and_how(tmp_path):
    hdf5.export(tmp_path / "a.net", *made(block.cuba.Dense(LEAKY, None, 4)))
    with h5py.File(tmp_path / "a.net") as file:
        assert file.attrs["writer"] == "jslayer"
        assert file.attrs["format_version"] == 1
        assert file.attrs["library_version"]
        assert dict(file["layer/0"].attrs) == {"w_scale": 64}


def test_places_that_cannot_be_written_are_named(tmp_path, monkeypatch):
    network, variables = made(block.cuba.Dense(LEAKY, 3, 4))
    with pytest.raises(IsADirectoryError, match="`path` is the folder"):
        hdf5.export(tmp_path, network, variables)
    (tmp_path / "file").write_bytes(b"precious")
    with pytest.raises(FileNotFoundError, match="whose folder does not exist"):
        hdf5.export(tmp_path / "file" / "a.net", network, variables)

    def refuse(path, flags, *rest, **options):
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *rest, **options)

    opened = os.open  # which makes the new file, that then takes the place of the old
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError, match="Permission denied"):
        hdf5.export(tmp_path / "file", network, variables)
    monkeypatch.undo()
    assert (tmp_path / "file").read_bytes() == b"precious"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("value", [[], np.zeros((2, 0)), h5py.Empty("f4")])
def test_empty_attributes_are_refused_before_anything_is_written(value, tmp_path):
    network, variables = made(block.cuba.Dense(LEAKY, 3, 2))
    with pytest.raises(ValueError, match="`attributes` has 'names', which is empty"):
        hdf5.export(tmp_path / "a.net", network, variables, attributes={"names": value})
    assert list(tmp_path.iterdir()) == []
