"""Several processes train as one does, refuse what differs, and end when one of them dies."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from jslayer import training
from tests.training import many

LONGEST_S = 180


def launch(repository, folder, processes):
    """Runs the processes to their end; exit codes, what they said, and seconds after the kill."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.training.many", str(folder), str(port)]
    texts = [folder / f"{p}.txt" for p in range(processes)]
    running = []
    for process in range(processes):
        with open(texts[process], "w") as file:
            running.append(
                subprocess.Popen(
                    [*command, str(processes), str(process)],
                    cwd=repository,
                    env={**os.environ, "JAX_PLATFORMS": "cpu"},
                    stdout=file,
                    stderr=subprocess.STDOUT,
                )
            )
    stop = time.monotonic() + LONGEST_S
    codes, killed = [], stop
    try:
        for process in reversed(running):
            codes.insert(0, process.wait(max(1.0, stop - time.monotonic())))
            killed = min(killed, time.monotonic())
    except subprocess.TimeoutExpired:
        pass
    finally:
        seconds = time.monotonic() - killed
        for process in running:
            process.kill()
            process.wait()
    # what a process says that JAX has ended, a helper writes a moment later
    stop = time.monotonic() + 20
    while not all("error: process" in text.read_text() for text in texts):
        if time.monotonic() > stop:
            break
        time.sleep(0.1)
    return codes, [text.read_text() for text in texts], seconds


class Launched:
    def __init__(self, repository, folder, processes):
        self.folder, self.processes = folder, processes
        self.codes, self.said, self.seconds = launch(repository, folder, processes)
        missing = [p for p in range(processes) if not (folder / f"{p}.json").exists()]
        assert not missing, self.said[missing[0]]
        self.found = [json.loads((folder / f"{p}.json").read_text()) for p in range(processes)]
        self.arrays = [dict(np.load(folder / f"{p}.npz")) for p in range(processes)]


@pytest.fixture(scope="module", autouse=True)
def _standard():
    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam needs it
        yield


@pytest.fixture(scope="module")
def two(repository, tmp_path_factory):
    return Launched(repository, tmp_path_factory.mktemp("two"), 2)


@pytest.fixture(scope="module")
def once(two):
    """The same training in this process on two devices, up to where a resumed one goes."""
    with training.Checkpoints(two.folder / "checkpoints") as checkpoints:
        last = checkpoints.latest + 3
    run = many.Training(training.data_mesh(jax.devices()[:2])).run(many.STEPS)
    arrays, stats = run.arrays(), run.helper.stats.to_dict()
    return arrays, stats, run.run(last)


def same_bits(found, expected):
    assert set(found) == set(expected)
    for name in expected:
        assert found[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_two_processes_train_as_two_devices_of_one_bit_for_bit(two, once):
    arrays, stats, _ = once
    assert arrays["[1][20]['loss']"] != arrays["[1][1]['loss']"]
    for process in range(2):
        same_bits(two.arrays[process], arrays)
    assert json.loads((two.folder / "stats.json").read_text()) == stats


def test_a_killed_process_ends_the_other_with_a_sentence(two):
    assert two.codes[-1] == -signal.SIGKILL
    assert two.codes[0] in (3, -signal.SIGABRT)
    assert re.search("error: process 0 of 2 ended: (it was killed, or )?another", two.said[0])
    assert "error: process 1 of 2 ended: it was killed, or another" in two.said[1]
    assert two.seconds < 30  # ten of silence, and a busy machine


def test_one_process_goes_on_to_the_same_bits(two, once):
    whole = once[2]
    with training.Checkpoints(two.folder / "checkpoints") as checkpoints:
        run = many.Training(training.data_mesh(jax.devices()[:2])).resume(checkpoints)
    run.run(whole.step)
    assert len(run.metrics) == 3
    assert int(run.helper.state.step) == whole.step
    expected = whole.arrays()
    same_bits(run.arrays(), {name: expected[name] for name in run.arrays()})
    assert run.helper.stats.to_dict() == whole.helper.stats.to_dict()


def test_what_differs_between_processes_is_refused_by_all(two):
    last = two.found[-1]
    for found in two.found:
        assert found["agree"] == (
            "ValueError: options differ between processes: seed is 1 in process 1 and 0 in "
            "process 0, expected the same everywhere; start all processes alike."
        )
        assert found["state"].startswith("ValueError: training states differ between processes")
        assert found["batch"].startswith("ValueError: batches differ between processes")
        assert found["own"].startswith("ValueError: the batch has an array of shape (8, 12, 16)")
    assert last["fault"] == "OSError: the disk is full"
    assert two.found[0]["fault"] == ("OtherProcessError: process 1 of 2 stopped: the disk is full")


def test_each_process_reads_its_part_and_trains_its_networks(two):
    assert [found["parts"] for found in two.found] == [[4, 3], [4, 3]]
    assert two.found[0]["devices"] == 2
    assert [found["networks"] for found in two.found] == [
        [[[-1.0] * 3, [0.0] * 3]],
        [[[1.0] * 3, [2.0] * 3]],
    ]


def test_the_first_process_alone_writes(two):
    assert (two.folder / "network.net").is_file()
    assert "FileNotFoundError" not in two.said[1]


@pytest.mark.thorough
def test_four_processes_train_as_one_device_up_to_rounding(repository, tmp_path):
    four = Launched(repository, tmp_path, 4)
    assert all(code in (3, -signal.SIGABRT) for code in four.codes[:-1])
    assert [found["parts"] for found in four.found] == [[2, 6]] * 4  # six stay whole
    expected = many.Training(training.data_mesh(jax.devices()[:1])).run(many.STEPS).arrays()
    for arrays in four.arrays:
        same_bits(arrays, four.arrays[0])
        for name in expected:
            # sums over the batch in another order: float32 rounding, times twenty steps of Adam
            np.testing.assert_allclose(
                np.float64(arrays[name]), np.float64(expected[name]), rtol=1e-4, atol=1e-4
            )
