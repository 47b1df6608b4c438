"""Event files: round trips, ranges, damage."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jslayer import io


def events(seed, num_dims, count=50):
    rng = np.random.default_rng(seed)
    high = 65536 if num_dims == 1 else 256
    x, y = rng.integers(0, high, (2, count))
    microseconds = rng.integers(0, 2**23, count)
    return io.Event(x, None if num_dims == 1 else y, rng.integers(0, 2, count), microseconds / 1000)


FORMATS = {
    "a.bs1": (1, io.encode_1d_spikes, io.read_1d_spikes),
    "a.bs2": (2, io.encode_2d_spikes, io.read_2d_spikes),
    "a.bin": (2, io.encode_2d_spikes, io.read_2d_spikes),
    "a.npy": (2, io.encode_np_spikes, io.read_np_spikes),
    "b.npy": (1, io.encode_np_spikes, io.read_np_spikes),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("count", [0, 1, 50])
def test_events_come_back_from_their_file(name, count, tmp_path):
    num_dims, encode, reader = FORMATS[name]
    event, path = events(0, num_dims, count), tmp_path / name
    encode(path, event)
    for back in (reader(path), io.read(str(path))):
        for k in "xyc":
            np.testing.assert_array_equal(getattr(back, k), getattr(event, k))
        np.testing.assert_allclose(back.t, event.t, rtol=1e-15)
    assert os.listdir(tmp_path) == [name]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**16 - 1), st.integers(0, 1), st.integers(0, 2**23 - 1))
def test_bytes_are_those_of_one_big_number(tmp_path_factory, neuron, channel, microseconds):
    path = tmp_path_factory.mktemp("number") / "a.bs1"
    io.encode_1d_spikes(path, io.Event([neuron], None, [channel], [microseconds / 1000]))
    expected = (neuron << 24 | channel << 23 | microseconds).to_bytes(5, "big")
    assert path.read_bytes() == expected


def test_channels_are_stored_as_they_are(tmp_path):
    path = tmp_path / "a.bs1"
    io.encode_1d_spikes(path, io.Event([3, 4], None, [1, 1], [0.0, 1.0]))
    assert io.read(path).c.tolist() == [1, 1]


@pytest.mark.parametrize("time_unit", [1e-6, 1.0])
def test_numpy_files_keep_the_unit_of_time(tmp_path, time_unit):
    path = tmp_path / "a.npy"
    event = io.Event([1, 2], None, [0, 1], [0.25, 3.5])
    io.encode_np_spikes(path, event, time_unit=time_unit)
    np.testing.assert_allclose(np.load(path)[:, 2] * time_unit * 1e3, event.t, rtol=1e-12)
    np.testing.assert_allclose(io.read_np_spikes(path, time_unit=time_unit).t, event.t, rtol=1e-12)


def one(x=0, y=None, c=0, t=0.0, p=None):
    return io.Event([x], None if y is None else [y], [c], [t], None if p is None else [p])


@pytest.mark.parametrize(
    ("encode", "event", "text"),
    [
        (io.encode_1d_spikes, one(x=65536), "`event.x` runs from 65536.*expected 0 to 65535"),
        (io.encode_1d_spikes, one(x=-1), "`event.x` runs from -1"),
        (io.encode_2d_spikes, one(x=256, y=0), "`event.x` runs from 256.*expected 0 to 255"),
        (io.encode_2d_spikes, one(y=256), "`event.y` runs from 256"),
        (io.encode_1d_spikes, one(c=2), "`event.c` runs from 2 to 2, expected 0 to 1"),
        (io.encode_2d_spikes, one(y=0, c=-1), "`event.c` runs from -1"),
        (
            io.encode_1d_spikes,
            one(t=8388.608),
            "`event.t` runs.*microseconds, expected 0 to 8388607",
        ),
        (io.encode_1d_spikes, one(t=-0.001), "`event.t` runs from -1"),
        (io.encode_1d_spikes, one(y=0), "`event` is 2-d, expected 1-d events; use encode_2d"),
        (io.encode_2d_spikes, one(), "`event` is 1-d, expected 2-d events; use encode_1d"),
        (io.encode_1d_spikes, one(p=2.0), "`event` carries payloads"),
        (io.encode_np_spikes, one(p=2.0), "`event` carries payloads"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_old_file_stays(encode, event, text, tmp_path):
    path = tmp_path / "kept"
    path.write_bytes(b"precious")
    with pytest.raises(ValueError, match=text):
        encode(path, event)
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["kept"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npy"
    path.write_bytes(b"precious")

    def fails(file, array):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "save", fails)
    with pytest.raises(OSError, match="disk full"):
        io.encode_np_spikes(path, one())
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["a.npy"]


@pytest.mark.parametrize("name", FORMATS)
def test_missing_files_and_folders_are_named(name, tmp_path):
    _, encode, reader = FORMATS[name]
    event = one() if FORMATS[name][0] == 1 else one(y=0)
    path = tmp_path / name
    with pytest.raises(FileNotFoundError, match=r"`path` is .* nothing exists"):
        reader(path)
    with pytest.raises(FileNotFoundError, match="folder does not exist"):
        encode(tmp_path / "no" / name, event)
    path.mkdir()
    with pytest.raises(IsADirectoryError, match="`path` is the folder"):
        reader(path)
    with pytest.raises(IsADirectoryError, match="`path` is the folder"):
        encode(path, event)


@pytest.mark.parametrize("name", ["a.bs1", "a.bs2", "a.bin"])
def test_cut_files_are_refused(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"1234567")
    with pytest.raises(ValueError, match="of 7 bytes, expected a multiple of 5"):
        io.read(path)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "expected a .npy file"),
        (b"no numpy file", "expected a .npy file"),
        (np.zeros((4, 2)), r"array of \(4, 2\), expected \[events, 3\]"),
        (np.zeros(4), r"array of \(4,\)"),
        (np.array([[{}, 1, 2]]), "expected a .npy file of numbers"),
    ],
)
def test_other_arrays_are_refused(content, text, tmp_path):
    path = Path(tmp_path / "a.npy")
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with pytest.raises(ValueError, match=text):
        io.read(path)


def test_unknown_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"suffix '.aedat', expected one of .bs1, .bs2"):
        io.read(tmp_path / "a.aedat")
    with pytest.raises(ValueError, match="`fmt` is 'txyp'"):
        io.read_np_spikes(tmp_path / "a.npy", fmt="txyp")
    with pytest.raises(ValueError, match="`time_unit` is 0"):
        io.encode_np_spikes(tmp_path / "a.npy", one(), time_unit=0)
