"""A run that is killed and goes on takes the same way, bit for bit, as one that is not."""

import signal
import subprocess
import sys

import numpy as np
import pytest


def run(repository, *arguments):
    command = [sys.executable, "-m", "tests.training.resumable", *map(str, arguments)]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True)


@pytest.mark.slow
def test_six_epochs_are_three_a_kill_and_three_more(repository, tmp_path):
    done = run(repository, tmp_path / "once", 6)
    assert done.returncode == 0, done.stderr
    # killed in the last batch of epoch 3, counted from 0, so that two epochs are resumed in parts
    killed = run(repository, tmp_path / "twice", 6, 3)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "twice.npz").exists()
    done = run(repository, tmp_path / "twice", 6)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "once.npz") as once, np.load(tmp_path / "twice.npz") as twice:
        assert set(once.files) == set(twice.files)
        assert {"key", "step"} <= {name.removeprefix(".") for name in once.files}
        for name in once.files:
            assert once[name].dtype == twice[name].dtype
            assert once[name].tobytes() == twice[name].tobytes(), name
    assert (tmp_path / "once.json").read_text() == (tmp_path / "twice.json").read_text()
