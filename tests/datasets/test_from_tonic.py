"""Data sets of tonic, by a stand-in of the same shape, and by tonic where it is installed."""

import os
from pathlib import Path

import numpy as np
import pytest

from jslayer.datasets import NMNIST, Loader, from_tonic

SHARED = Path(os.environ.get("JSLAYER_SHARED", Path(__file__).parents[2].parent / "shared"))
CAMERA = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)])
EAR = np.dtype([("x", int), ("t", int), ("p", int)])


class StandIn:
    """Two samples with an event each, at x = 3, (y = 1,) 2.4 ms."""

    def __init__(self, dtype, sensor_size, polarity=1, target=7):
        self.sensor_size, self.polarity, self.target = sensor_size, polarity, target
        self.dtype = dtype

    def __len__(self):
        return 2

    def __getitem__(self, index):
        values = {"x": 3, "y": 1, "t": 2400, "p": self.polarity}
        row = tuple(values[name] for name in self.dtype.names)
        return np.array([row], self.dtype), self.target


def test_a_cameras_events_are_placed_by_row_and_column():
    dataset = from_tonic(StandIn(CAMERA, (5, 4, 2)), num_steps=6)
    x, target = dataset[0]
    assert x.shape == (2, 4, 5, 6) and x.sum() == 1 and x[1, 1, 3, 2] == 1
    assert target == 7 and target.dtype == np.int32
    off = from_tonic(StandIn(CAMERA, (5, 4, 2), polarity=0), num_steps=6)
    assert off[0][0][0, 1, 3, 2] == 1
    signed = np.dtype([*CAMERA.descr[:3], ("p", np.int8)])
    assert from_tonic(StandIn(signed, (5, 4, 2), -1), num_steps=6)[0][0][0].sum() == 1


def test_an_ears_events_are_one_dimensional():
    dataset = from_tonic(StandIn(EAR, (5, 1, 1)), num_steps=6, sampling_time=2.0)
    x, _ = dataset[1]
    assert x.shape == (1, 5, 6) and x[0, 3, 1] == 0.5 and x.sum() == 0.5


def test_targets_keep_their_shape():
    floats = StandIn(CAMERA, (5, 4, 2), target=[0.5, 1.5])
    _, targets = next(iter(Loader(from_tonic(floats, num_steps=3), 2)))
    assert targets.shape == (2, 2) and targets.dtype == np.float32
    event, target = from_tonic(floats, num_steps=3).events[0]
    assert event.t.tolist() == [2.4] and target.tolist() == [0.5, 1.5]


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"`dim` is None and `dataset.sensor_size` is None"):
        from_tonic(StandIn(CAMERA, None), num_steps=3)
    assert from_tonic(StandIn(CAMERA, None), num_steps=3, dim=(2, 9, 9)).dim == (2, 9, 9)
    dataset = from_tonic(StandIn(EAR, (5, 4, 2)), num_steps=3)
    with pytest.raises(TypeError, match=r"fields \['x', 't', 'p'\], expected also \['y'\]"):
        dataset[0]
    dense = from_tonic([(np.zeros((2, 4, 5)), 0)], num_steps=3, dim=(2, 4, 5))
    with pytest.raises(TypeError, match=r"events of type ndarray.* without a transform"):
        dense[0]
    with pytest.raises(ValueError, match="`num_steps` is 0"):
        from_tonic(StandIn(CAMERA, (5, 4, 2)), num_steps=0)


def test_tonics_own_digits_are_those_read_here(monkeypatch):
    tonic = pytest.importorskip("tonic", reason="the package tonic is not installed")
    root = SHARED / "data" / "nmnist"
    if not root.is_dir():
        pytest.skip(f"shared data are absent: no {root}; set JSLAYER_SHARED")
    ours = NMNIST(root, train=False)
    theirs = tonic.datasets.NMNIST.__new__(tonic.datasets.NMNIST)
    theirs.transform = theirs.target_transform = theirs.transforms = None
    theirs.stabilize = theirs.first_saccade_only = False
    theirs.data, theirs.targets = [str(path) for path in ours.files], ours.labels.tolist()
    adapted = from_tonic(theirs, num_steps=300)
    for index in (0, 57):
        for a, b in zip(adapted[index], ours[index], strict=True):
            np.testing.assert_array_equal(a, b)
