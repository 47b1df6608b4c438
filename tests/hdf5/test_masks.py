"""Masks through a network file: they come back where the file says them, and zeros alone do not."""

import h5py
import jax
import numpy as np
import pytest

from jslayer import Sequential, hdf5
from jslayer.block import cuba
from jslayer.hdf5 import checksum
from tests.block import cases
from tests.hdf5 import round_trip

CUBA = {"threshold": 0.5, "current_decay": 0.25, "voltage_decay": 0.03}


def connections(*shape):
    return np.random.default_rng(sum(shape)).random(shape) < 0.6


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """A network with masks everywhere, and its file."""
    network = Sequential(
        [
            cuba.Conv(CUBA, 2, 3, 2, weight_scale=4, mask=connections(3, 2)),
            cuba.Dense(CUBA, (3, 3, 3), 4, weight_scale=4, mask=connections(4, 3, 3, 3)),
            cuba.Flatten(),
            cuba.Recurrent(
                CUBA, 4, 3, weight_scale=4, weight_norm=True, recurrent_mask=connections(3, 3)
            ),
            cuba.Affine(CUBA, 3, 2, weight_scale=4, mask=connections(2, 3)),
        ]
    )
    x = round_trip.events((1, 2, 4, 4, 12))
    variables = jax.jit(network.init)(cases.KEY, x)
    path = tmp_path_factory.mktemp("masks") / "a.net"
    round_trip.export(path, network, variables)
    return network, variables, x, path


def test_masks_come_back_and_the_file_is_the_same(masked, tmp_path):
    network, variables, x, path = masked
    again, loaded = hdf5.load(path)
    for ours, theirs in zip(network.blocks, again.blocks, strict=True):
        for name in ("mask", "recurrent_mask"):
            given, found = getattr(ours, name, None), getattr(theirs, name, None)
            assert (given is None) == (found is None), name
            if given is not None:
                np.testing.assert_array_equal(given.over(found.array.shape), found.array)
    found, expected = round_trip.run(again, loaded, x), round_trip.run(network, variables, x)
    np.testing.assert_array_equal(found, expected)
    round_trip.export(tmp_path / "b.net", again, loaded)
    assert hdf5.diff(path, tmp_path / "b.net") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (np.zeros((2, 3), np.uint8), "layer/4/mask` is 0 where `weight` is not, expected weights"),
        (np.ones((3, 2), np.uint8), r"layer/4/mask` has shape \(3, 2\), expected \(2, 3\)"),
        (
            np.full((2, 3), 2, np.uint8),
            r"layer/4/mask` holds 2, expected whole numbers in \[0, 1\]",
        ),
    ],
    ids=["weights", "shape", "values"],
)
def test_a_mask_that_does_not_fit_is_refused(masked, change, message, tmp_path):
    path = tmp_path / "a.net"
    path.write_bytes(masked[-1].read_bytes())
    with h5py.File(path, "a") as file:
        del file.attrs[checksum.NAME], file["layer/4/mask"]
        file["layer/4/mask"] = change
    with pytest.raises(hdf5.NetworkFileError, match=message):
        hdf5.load(path)


def test_zeros_alone_make_no_mask(masked, tmp_path):
    path = tmp_path / "a.net"
    path.write_bytes(masked[-1].read_bytes())
    with h5py.File(path, "a") as file:
        del file.attrs[checksum.NAME], file["layer/4/mask"]
    assert hdf5.load(path)[0].blocks[4].mask is None
