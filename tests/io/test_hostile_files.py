"""Event files that are damaged, or made to harm: one clear error of a few hundred characters."""

import io as bytes_io
import os
import random
import signal
import struct
import subprocess
import tracemalloc
import zipfile

import numpy as np
import pytest

from jslayer import io
from jslayer.io.dat import read_dat
from jslayer.io.spike_counts import read_spike_counts

FALLING = pytest.mark.filterwarnings("ignore:.*events lie in the tensor")
"""Hostile events lie anywhere."""


def npy(shape, data=b"", descr="<f8", order=False):
    """A NumPy file that says what it likes."""
    header = repr({"descr": descr, "fortran_order": order, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + data


def npz(members, method=zipfile.ZIP_DEFLATED):
    content = bytes_io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


ROW = npy((2,), np.arange(2.0).tobytes())
BOMB = npy((2**26,), bytes(2**23))
PACKED = {name: npz({name: BOMB}) for name in ("x.npy", "other.npy")}
GOOD = {f"{name}.npy": ROW for name in "xct"}


def refused(path, content, sentence, read=io.read):
    """One clear error, in little memory."""
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ValueError, match=sentence) as caught:
        read(path)
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()
    message = str(caught.value)
    assert str(path) in message and message.isprintable() and len(message) < 700


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (npy((10**12, 4)), r"shape \(1000000000000, 4\) of float64, more than the \d+ bytes"),
        (npy((10**30, 0)), "expected a .npy file of numbers"),
        (npy((-1, 4), bytes(32)), r"shape \(-1, 4\)"),
        (npy((2, 4), bytes(63)), "more than the|63 of 64 bytes"),
        (npy((2, 4), bytes(64), "|O"), "numbers of dtype object"),
        (npy((2, 4), bytes(64), [("a", "<f8")]), r"numbers of dtype \[\('a', '<f8'\)\]"),
        (npy((2, 4), bytes(64), "<c8"), "numbers of dtype complex64"),
        (npy((2, 4), bytes(64), "<M8[s]"), "numbers of dtype datetime64"),
        (b"\x93NUMPY\x01\0" + struct.pack("<H", 9000) + b"(" * 9000, "expected a .npy file"),
        (npy((1, 4), np.float64([0, 0, 0, np.nan]).tobytes()), "`t` holds NaN or infinity"),
        (npy((1, 4), np.float64([0, 0, 0, 1.7e308]).tobytes()), "expected .*finite|dim"),
        (npy((1, 4), np.float64([1e300, 0, 0, 0]).tobytes()), r"`x` reaches beyond 2\*\*62"),
        (b"", "expected a .npy file"),
    ],
)
def test_numpy_files(content, sentence, tmp_path):
    read = lambda path: io.read_np_spikes(path, time_unit=1e3)
    refused(tmp_path / "a.npy", content, sentence, read)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (npz(GOOD | {"x.npy": npy((2**40,))}), r"x.npy has shape \(1099511627776,\) of float64"),
        (npz(GOOD | {"t.npy": npy((2,), bytes(16), "|O")}), "t.npy has numbers of dtype object"),
        (npz(GOOD | {"t.npy": ROW[:-8]}), "t.npy has 8 of 16 bytes"),
        (npz(GOOD | {"t.npy": b"text"}), "expected an .npz file"),
        (npz(GOOD | {"x.npy": npy((3,), bytes(24))}), r"`c` has shape|`x` has shape"),
        (npz(GOOD | {"c.npy": npy((2, 1), bytes(16))}), r"`c` has shape \(2, 1\)"),
        (npz(GOOD, zipfile.ZIP_LZMA), "compressed in another way than NumPy does"),
        (npz({"\x1b[31m" * 1000: ROW}), r"with the arrays \[\], expected also \['x', 'c', 't'\]"),
        (npz(GOOD)[:-30], "expected an .npz file"),
        (b"", "expected an .npz file"),
    ],
)
def test_archives_of_arrays(content, sentence, tmp_path):
    refused(tmp_path / "a.npz", content, sentence)


def test_an_array_of_another_name_stays_packed(tmp_path):
    content = bytes_io.BytesIO(PACKED["other.npy"])
    with zipfile.ZipFile(content, "a") as archive:
        for name, data in GOOD.items():
            archive.writestr(name, data)
    (tmp_path / "a.npz").write_bytes(content.getvalue())
    tracemalloc.start()
    assert len(io.read(tmp_path / "a.npz")) == 2
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_a_bomb_stays_packed_unless_it_is_asked_for(tmp_path):
    sentence = r"x.npy has shape \(67108864,\) of float64, more than the 134217728 bytes"
    refused(tmp_path / "a.npz", PACKED["x.npy"], sentence)
    (tmp_path / "b.npz").write_bytes(npz(GOOD))
    assert len(io.read_npz_spikes(tmp_path / "b.npz", max_bytes=48)) == 2
    with pytest.raises(ValueError, match="pass a larger `max_bytes`"):
        io.read_npz_spikes(tmp_path / "b.npz", max_bytes=47)


def test_a_tensor_is_not_made_as_large_as_an_event_lies_far(tmp_path):
    (tmp_path / "a.bs2").write_bytes(bytes(5) + b"\xff" * 5)
    event = io.read(tmp_path / "a.bs2")
    with pytest.raises(
        ValueError, match=r"y 255 \(event 1\), x 255 \(event 1\), bin 8389 \(event 1"
    ):
        event.to_tensor()
    assert event.to_tensor(dim=(2, 4, 4, 10)).sum() == 1
    assert event.to_tensor(100, max_bytes=2**27).shape == (2, 256, 256, 85)
    far = io.Event([2**61, 0], [0, 2**61], [0, 1], [0.0, 1e300])
    for call in (far.to_tensor, lambda: io.event_frame(far), lambda: io.time_surface(far)):
        with pytest.raises(ValueError, match="events as far as"):
            call()
    for axis in ("x", "y", "c"):
        with pytest.raises(ValueError, match=f"{axis} 2.30584e.18"):
            io.Event(**{"x": [0], "y": [0], "c": [0], "t": [0.0]} | {axis: [2**61]}).to_tensor()


@FALLING
@pytest.mark.parametrize("times", [[-1e300], [1e308, -1e308], [3.2e13], [5.0, 4.0, -3.0]])
def test_times_that_span_years_or_run_backwards_fill_the_asked_shape(times):
    count = len(times)
    event = io.Event([0] * count, [0] * count, [0] * count, times)
    for sampling_time in (1, 1e-3):
        assert event.to_tensor(sampling_time, (1, 2, 2, 10)).shape == (1, 2, 2, 10)
        event.fill_tensor(np.zeros((1, 2, 2, 10)), sampling_time, random_shift=True, seed=0)


@pytest.mark.parametrize(
    "suffix", [".bs1", ".bs2", ".bin", ".npy", ".npz", ".dat", ".raw", ".aedat4", ".es", ".csv"]
)
def test_pipes_and_devices_are_not_waited_for(suffix, tmp_path):
    os.mkfifo(tmp_path / f"a{suffix}")
    (tmp_path / f"b{suffix}").symlink_to("/dev/zero")
    for name in "ab":
        with pytest.raises(ValueError, match="a pipe or a device, expected a regular file"):
            io.read(tmp_path / f"{name}{suffix}")


@FALLING
@pytest.mark.parametrize("suffix", [".bs1", ".bs2", ".bin", ".npy", ".npz", ".dat", ".bsn"])
def test_whatever_bytes_change_it_reads_or_is_refused(suffix, tmp_path):
    path, draw = tmp_path / f"a{suffix}", random.Random(suffix)
    if suffix == ".bsn":
        path.write_bytes(bytes(range(100)))
    else:
        y = None if suffix == ".bs1" else [4, 5, 6]
        io.write(path, io.Event([1, 2, 3], y, [0, 1, 0], [0.0, 1.0, 7.0]))
    whole, read = path.read_bytes(), read_spike_counts if suffix == ".bsn" else io.read
    for _ in range(300):
        content = bytearray(whole[: draw.choice((None, None, draw.randrange(len(whole))))])
        for _ in range(draw.choice((1, 1, 2, 8))):
            if content:
                content[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(content)
        try:
            found = read(path)
            if suffix == ".dat":
                read_dat(path, start_ms=1.0, stop_ms=5.0)
            if suffix != ".bsn":
                found.to_tensor(dim=(2, 8, 10) if found.y is None else (2, 8, 8, 10))
        except ValueError as error:
            assert str(error).isprintable() and len(str(error)) < 700


def recording(path):
    faery = pytest.importorskip("faery", reason="faery is not installed: extra camera")
    draw = np.random.default_rng(0)
    array = np.zeros(200, faery.EVENTS_DTYPE)
    array["t"] = np.sort(draw.integers(0, 30_000, 200))
    array["x"], array["y"] = draw.integers(0, 34, (2, 200))
    faery.events_stream_from_array(array, dimensions=(34, 34)).to_file(path)
    return path


def test_a_recording_that_ends_its_decoder_is_refused(tmp_path, monkeypatch):
    path = recording(tmp_path / "a.aedat4")
    assert len(io.read(path)) == 200
    with pytest.raises(ValueError, match="its events take more than 1000 bytes; pass a larger"):
        io.read_aedat4(path, max_bytes=1000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(10)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="expected an event recording, which it is not") as caught:
        io.read(path)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500

    def ends(*arguments, **options):
        return subprocess.CompletedProcess(arguments, -signal.SIGABRT)

    monkeypatch.setattr("jslayer.io.decoding.subprocess.run", ends)
    with pytest.raises(ValueError, match="the decoder ended with status -6"):
        io.read(path)

    def hangs(*arguments, timeout, **options):
        raise subprocess.TimeoutExpired(arguments, timeout)

    monkeypatch.setattr("jslayer.io.decoding.subprocess.run", hangs)
    with pytest.raises(ValueError, match="it takes longer than 60 s"):
        io.read(path)


def test_a_header_without_end_takes_no_memory(tmp_path):
    refused(tmp_path / "a.raw", b"% \n" * 2**20, "without a header that names its encoding")
