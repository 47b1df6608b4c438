"""Spike counts, ``.npz``, and the recordings of cameras."""

import os
import subprocess
import sys

import numpy as np
import pytest

from jslayer import io


def pixels(count=50, payload=False):
    rng = np.random.default_rng(3)
    time = np.sort(rng.integers(0, 300_000, count)) / 1000
    place = rng.integers(0, 34, (2, count))
    return io.Event(*place, rng.integers(0, 2, count), time, [0.5] * count if payload else None)


def equal(a, b):
    for name in "xyctp":
        ours, theirs = getattr(a, name), getattr(b, name)
        assert (ours is None) == (theirs is None), name
        if ours is not None:
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("count", [0, 1, 50])
@pytest.mark.parametrize("suffix", [".bs2", ".bin", ".npz", ".dat"])
def test_pixels_come_back_and_are_written_alike_again(suffix, count, tmp_path):
    io.write(tmp_path / f"a{suffix}", pixels(count))
    back = io.read(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(back.t, pixels(count).t, rtol=1e-15)
    equal(back.replace(t=pixels(count).t), pixels(count))
    io.write(tmp_path / f"b{suffix}", back)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_an_npz_file_loses_nothing(tmp_path):
    path = tmp_path / "a.npz"
    flat = io.Event([70_000], None, [5], [-1.25], [0.1])
    for event in (pixels(payload=True), flat):
        io.encode_npz_spikes(path, event)
        equal(io.read_npz_spikes(path), event)


def test_other_npz_files_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=[1], t=[0.0])
    with pytest.raises(ValueError, match=r"arrays \['t', 'x'\], expected also \['c'\]"):
        io.read(path)
    np.savez(path, x=np.array([{}]), c=[0], t=[0.0])
    with pytest.raises(ValueError, match=r"expected an \.npz file of numbers"):
        io.read(path)
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"expected an \.npz file of numbers"):
        io.read(path)


def test_spike_counts_have_the_stated_bytes(tmp_path):
    path = tmp_path / "a.bsn"
    counts = io.SpikeCounts(
        np.array([258, 1]), np.array([66.051, 0.0]), np.array([16777.215, 1.5]), np.array([515, 9])
    )
    io.encode_spike_counts(path, counts)
    first = (258 << 64 | 66051 << 40 | 16777215 << 16 | 515).to_bytes(10, "big")
    assert path.read_bytes()[:10] == first
    for ours, given in zip(io.read_spike_counts(path), counts, strict=True):
        np.testing.assert_allclose(ours, given, rtol=1e-15)


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (([65536], [0], [1], [0]), "`counts.neuron` runs from 65536"),
        (([0], [-1], [1], [0]), "`counts.start_ms` runs from -1"),
        (([0], [0], [16778], [0]), "`counts.end_ms` runs from 16778 .* 24 bits"),
        (([0], [0], [1], [65536]), "`counts.count` runs from 65536"),
        (([0, 1], [0], [1], [0]), r"`counts` has shapes \(2,\), \(1,\)"),
        (([0], [0], [1]), "`counts` has shapes"),
    ],
)
def test_counts_that_do_not_fit_are_refused(counts, text, tmp_path):
    with pytest.raises(ValueError, match=text):
        io.encode_spike_counts(tmp_path / "a.bsn", counts)
    assert os.listdir(tmp_path) == []


def test_cut_count_files_are_refused(tmp_path):
    path = tmp_path / "a.bsn"
    path.write_bytes(b"123456789")
    with pytest.raises(ValueError, match="of 9 bytes, expected a multiple of 10"):
        io.read_spike_counts(path)


def test_a_dat_file_has_the_documented_bytes(tmp_path):
    path = tmp_path / "a.dat"
    io.encode_dat(path, io.Event([5], [3], [1], [66.051]), size=(480, 640))
    header, body = path.read_bytes()[:-10], path.read_bytes()[-10:]
    assert all(line.startswith(b"% ") for line in header.splitlines())
    assert b"% Width 640\n% Height 480\n" in header
    assert body[:2] == bytes((12, 8))
    assert body[2:6] == (66051).to_bytes(4, "little")
    assert body[6:] == (1 << 28 | 3 << 14 | 5).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "events of kind None"),
        (b"% no line end", "events of kind None"),
        (b"% Version 2\n" + bytes((14, 8)) + bytes(8), "events of kind 14 and 8 bytes"),
        (b"% Version 2\n" + bytes((12, 8)) + bytes(7), "7 bytes of events"),
    ],
)
def test_other_dat_files_are_refused(content, text, tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=text):
        io.read(path)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (io.Event([0], None, [0], [0.0]), "`event` is 1-d, expected 2-d binary"),
        (pixels(payload=True), "`event` is graded, expected 2-d binary"),
        (io.Event([16384], [0], [0], [0.0]), "`event.x` runs from 16384"),
        (io.Event([0], [0], [0], [-1.0]), "`event.t` runs from -1000"),
    ],
)
def test_what_a_dat_file_cannot_hold_is_refused(event, text, tmp_path):
    with pytest.raises(ValueError, match=text):
        io.write(tmp_path / "a.dat", event)


def test_unknown_suffixes_are_refused_when_writing(tmp_path):
    with pytest.raises(ValueError, match=r"suffix '.raw', expected one of .bs1, .bs2"):
        io.write(tmp_path / "a.raw", pixels())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.aedat4", {}),
        ("a.raw", {"version": "evt2"}),
        ("a.raw", {"version": "evt3"}),
        ("a.dat", {"version": "dat2", "zero_t0": False}),
        ("a.es", {"zero_t0": False}),
        ("a.csv", {}),
    ],
)
def test_recordings_by_another_program_are_read(name, options, tmp_path):
    faery = pytest.importorskip("faery", reason="faery is not installed: extra camera")
    event = pixels()
    array = np.zeros(len(event), faery.EVENTS_DTYPE)
    array["t"], array["x"], array["y"] = np.round(event.t * 1000), event.x, event.y
    array["on"] = event.c == 1
    stream = faery.events_stream_from_array(array, dimensions=(34, 34))
    stream.to_file(tmp_path / name, **options)
    back = io.read(tmp_path / name)
    start = event.t.min() if name.endswith("aedat4") else 0.0
    np.testing.assert_allclose(back.t + start, event.t, rtol=0, atol=1e-9)
    equal(back.replace(t=event.t), event)


def test_a_damaged_recording_is_refused(tmp_path):
    pytest.importorskip("faery", reason="faery is not installed: extra camera")
    path = tmp_path / "a.aedat4"
    path.write_bytes(b"#!AER-DAT4.0\r\n\xff\xff\xff")
    with pytest.raises(ValueError, match="expected an event recording, which it is not"):
        io.read(path)


def test_an_encoding_is_not_guessed(tmp_path):
    path = tmp_path / "a.raw"
    for content in (b"", b"\x00\xff", b"% date 2023-03-29\n\x00\xff"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="without a header that names its encoding"):
            io.read(path)


def test_the_package_for_recordings_loads_late_and_its_absence_is_explained(tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(b"% evt 3.0\n")
    code = """
import sys
sys.modules["faery"] = None
from jslayer import io
try:
    io.read(sys.argv[1])
except ImportError as error:
    assert "pip install faery" in str(error), error
else:
    raise SystemExit("no error")
"""
    root = io.__path__[0] + "/../.."
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, cwd=root)
    with pytest.raises(FileNotFoundError, match="nothing exists"):
        io.read(tmp_path / "b.aedat4")
