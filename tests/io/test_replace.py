"""Files written whole or not at all: by threads, killed writers, on full disks."""

import contextlib
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from jslayer import io
from jslayer.io.locks import Claim
from jslayer.io.replace import PREFIX, SUFFIX, replacing
from jslayer.training import CSVWriter, LearningStats, TensorBoardWriter, save_checkpoint

HERE = Path(__file__).resolve().parent


def write(path, content):
    with replacing(path) as file:
        file.write(content)


def test_threads_that_write_one_path_leave_a_whole_file_at_any_time(tmp_path):
    path, size = tmp_path / "file", 1 << 20
    write(path, bytes(size))
    wrong, ended = [], threading.Event()

    def writer(number):
        try:
            for _ in range(10):
                write(path, bytes([number]) * size)
        except BaseException as error:
            wrong.append(error)

    def reader():
        while not ended.is_set():
            content = path.read_bytes()
            if len(content) != size or content.count(content[:1]) != size:
                wrong.append(f"half a file of {len(content)} bytes")

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(4)]
    watch = threading.Thread(target=reader)
    for thread in (watch, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    watch.join()
    assert wrong == []
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_call_of_the_system_leaves_a_whole_file_and_the_next_writer_tidies(tmp_path):
    command = [sys.executable, str(HERE / "killed.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kills, new, left = map(int, done.stdout.split())
    # a writer calls for at least open, 3 writes, fsync, replace, close; the new file comes late
    assert kills >= 7 and 1 <= new < kills and left >= 4


def test_a_partial_file_that_is_being_written_is_no_leftover(tmp_path):
    (tmp_path / f"{PREFIX}dead{SUFFIX}").write_bytes(b"of a killed writer")
    (tmp_path / f"{PREFIX}other").write_bytes(b"of somebody else")
    with replacing(tmp_path / "a") as file:
        file.write(b"first")
        write(tmp_path / "b", b"second")
        assert len(os.listdir(tmp_path)) == 3
    assert (tmp_path / "a").read_bytes() == b"first"
    assert sorted(os.listdir(tmp_path)) == [f"{PREFIX}other", "a", "b"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_the_mode_of_the_old_file_is_kept(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    with replacing(path) as file:
        (partial,) = (name for name in os.listdir(tmp_path) if name != "file")
        assert (tmp_path / partial).stat().st_mode & 0o777 == mode
        file.write(b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", mode)
    plain = tmp_path / "plain"
    plain.touch()
    write(tmp_path / "new", b"")
    assert (tmp_path / "new").stat().st_mode == plain.stat().st_mode


def test_a_name_may_have_the_length_that_the_system_allows(tmp_path):
    name = "n" * os.pathconf(tmp_path, "PC_NAME_MAX")
    write(tmp_path / name, b"content")
    assert (tmp_path / name).read_bytes() == b"content"
    with pytest.raises(OSError, match="too long") as caught:
        write(tmp_path / (name + "n"), b"content")
    assert caught.value.filename == str(tmp_path / (name + "n"))


def test_links_are_followed_and_devices_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"content"
    with pytest.raises(ValueError, match=r"`path` is /dev/null, a device, .*expected the name"):
        write("/dev/null", b"")


@contextlib.contextmanager
def full_disk(size):
    """No file may grow beyond ``size``: the system's answer is that to a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


LARGE = np.zeros(50_000)
EVENTS = io.Event(np.zeros(50_000), None, np.zeros(50_000), np.arange(50_000) / 1000)
REPLACED = {
    "bytes": lambda path: write(path, bytes(10**5)),
    "checkpoint": lambda path: save_checkpoint(path, {"a": LARGE}),
    "npy": lambda path: io.encode_np_spikes(path, EVENTS),
    "bs1": lambda path: io.encode_1d_spikes(path, EVENTS),
    "png": lambda path: LearningStats().plot(path.with_suffix(".png")),
}


@pytest.mark.parametrize("kind", REPLACED)
def test_a_full_disk_names_the_file_and_keeps_the_old_one(tmp_path, kind):
    path = tmp_path / ("file.png" if kind == "png" else "file")
    path.write_bytes(b"precious")
    with full_disk(4096), pytest.raises(OSError, match="too large") as caught:
        REPLACED[kind](path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("kind", [CSVWriter, TensorBoardWriter])
def test_a_full_disk_names_the_file_that_numbers_are_appended_to(tmp_path, kind):
    with full_disk(4096), pytest.raises(OSError, match="too large") as caught:
        with kind(tmp_path / "file") as append:
            for step in range(10**4):
                append(step, {"loss": 0.5})
    assert Path(caught.value.filename).is_relative_to(tmp_path / "file")


def test_a_folder_is_claimed_by_one_until_it_is_released(tmp_path):
    first = Claim(tmp_path)
    sentence = r"`folder` is .*, into which another training run writes, expected .*; wait"
    for _ in range(2):
        with pytest.raises(BlockingIOError, match=sentence):
            Claim(tmp_path)
    first.release()
    second = Claim(tmp_path)
    first.release()
    with pytest.raises(BlockingIOError):
        Claim(tmp_path)
    del second
    assert os.listdir(tmp_path) == []
