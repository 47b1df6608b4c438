"""What errors advise: the thing that helps, for each kind of mistake."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block, datasets, hdf5, loss
from jslayer.cli import main, train
from jslayer.ops import check
from jslayer.training import diagnose
from tests.neuron import cases

ADVICE = {
    "a decay of the hardware": (
        ("voltage_decay", 1024, 0, 1),
        "the fraction lost per step; .* by 4096",
    ),
    "decays of the hardware": (("decay", np.array([0.1, 300.0]), 0, 1), "divide .* by 4096"),
    "a decay below zero": (("decay", -0.1, 0, 1), "choose a number within"),
    "per cents": (("rate", 20, 0, 1), "give a fraction of one, so divide per cents by 100"),
    "no number": (("decay", np.nan, 0, 1), "find where NaN arises"),
    "a threshold": (("threshold", -1.0, 0, np.inf), "choose a number of at least 0"),
    "thresholds": (("threshold", np.array([-1.0, 2.0]), 0, np.inf), "choose numbers of at least 0"),
    "bits": (("bits", 40, 0, 32), "choose a number within"),
}


@pytest.mark.parametrize("name", ADVICE)
def test_a_number_out_of_range_is_advised_what_helps(name):
    arguments, advice = ADVICE[name]
    with pytest.raises(ValueError, match=rf"expected numbers in \[.*\]; .*{advice}"):
        check.in_range(*arguments)


@pytest.mark.parametrize("name", cases.SPIKING)
def test_every_decay_of_a_neuron_is_advised_to_be_divided(name):
    decays = [field for field in cases.FIELDS[name] if field.endswith("decay")]
    for decay in decays:
        with pytest.raises(
            ValueError, match=f"`{decay}` is 1024, .* divide numbers of the hardware"
        ):
            cases.make(name, **{decay: 1024}).apply({}, cases.drive(name, (1, 2, 4)))


def test_a_label_out_of_range_is_told_of_the_classes():
    with pytest.raises(ValueError, match="the network has 2 outputs, so count classes from 0"):
        loss.SpikeRate(0.5, 0.1)(jnp.ones((1, 2, 4)), np.array([2]))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Network files of which the input's size is not said, without their shapes."""
    folder = tmp_path_factory.mktemp("files")
    neuron, x = cases.FIELDS["cuba"], jnp.ones((1, 2, 6, 6, 4))
    network = block.Sequential([block.cuba.Conv(neuron, 2, 3, 3), block.cuba.Flatten()])
    hdf5.export(folder / "conv.net", network, network.init(jax.random.key(0), x))
    return folder


def test_a_wrong_channel_count_is_told_the_right_one(files):
    network = hdf5.inference(files / "conv.net")
    with pytest.raises(ValueError, match=r"expected .* with \[2, (H, W|6, 6)\] in the middle"):
        network(np.zeros((1, 5, 6, 6, 4), np.int32))


def test_a_layer_that_was_not_recorded_is_told_those_that_were(files):
    outputs = hdf5.inference(files / "conv.net")(np.zeros((1, 2, 6, 6, 4), np.int32))
    assert list(outputs) == [max(outputs)]
    with pytest.raises(
        KeyError, match="layer -1 was not recorded, expected one of 1; layers count"
    ):
        outputs[-1]
    doubled = jax.jit(lambda tree: jax.tree.map(lambda leaf: 2 * leaf, tree))(outputs)
    assert type(doubled) is type(outputs)
    assert doubled.keys() == outputs.keys()


def test_missing_digits_are_told_how_to_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("JSLAYER_DATA", str(tmp_path))
    (tmp_path / "empty").mkdir()
    for root in (None, tmp_path / "no", tmp_path / "empty"):
        with pytest.raises(FileNotFoundError, match=r"download_nmnist\(root, train=False\) downlo"):
            datasets.NMNIST(root, train=False)
    monkeypatch.delenv("JSLAYER_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"download_nmnist\(root, train=True\) downloads"):
        datasets.NMNIST()


def test_usage_names_the_command_as_it_was_called(capsys):
    for command, words in ((main.main, "usage: jslayer "), (train.main, "usage: jslayer train ")):
        with pytest.raises(SystemExit):
            command(["--help"])
        assert words in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("jslayer", "usage: python -m jslayer "),
        ("jslayer.examples.train", "usage: python -m jslayer.examples.train "),
    ],
)
def test_usage_names_the_module_as_it_was_called(module, words):
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True)
    assert done.stdout.startswith(words)


READOUTS = {
    "cuba": (block.cuba.Affine, cases.FIELDS["cuba"]),
    "rf": (block.rf.Affine, cases.FIELDS["rf"]),
    "sigma_delta": (block.sigma_delta.Output, cases.FIELDS["sigma_delta"]),
    "a neuron without threshold": (block.cuba.Dense, {**cases.FIELDS["cuba"], "readout": True}),
}


@pytest.mark.parametrize("name", READOUTS)
def test_a_read_out_is_neither_saturated_nor_dead(name):
    kind, neuron = READOUTS[name]
    network, x = block.Sequential([kind(neuron, 3, 2, weight_scale=4)]), jnp.ones((2, 3, 12))
    report = diagnose(network, network.init(jax.random.key(0), x), x)
    assert not report.of_kind("saturated neurons")
    assert not report.of_kind("dead neurons")
