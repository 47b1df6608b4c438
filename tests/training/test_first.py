"""Of processes that train together only the first writes."""

import io

import jax
import jax.numpy as jnp
import pytest

from jslayer import hdf5, training
from jslayer.block import Sequential, cuba
from jslayer.io import first
from jslayer.training import lost

NETWORK = Sequential([cuba.Dense({"threshold": 1, "current_decay": 1, "voltage_decay": 1}, 3, 2)])


def write_all(folder):
    stats = training.LearningStats()
    stats.training.update(1.0, None, 1)
    stats.end_epoch()
    stats.save(folder / "stats.json")
    stats.plot(folder / "curves.png")
    training.save_checkpoint(folder / "checkpoint.msgpack", {"w": jnp.ones(2)})
    hdf5.export(
        folder / "network.net",
        NETWORK,
        jax.jit(NETWORK.init)(jax.random.key(0), jnp.ones((1, 3, 2))),
    )
    with training.CSVWriter(folder / "metrics.csv") as write:
        write(1, {"loss": 1.0})
    with training.TensorBoardWriter(folder / "board") as write:
        write(1, {"loss": 1.0})
    said = io.StringIO()
    with training.Progress(4, stream=said) as bar:
        bar.update(4)
    return said.getvalue()


@pytest.mark.parametrize("is_first", [True, False])
def test_the_first_process_writes_everything_and_others_nothing(tmp_path, monkeypatch, is_first):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    monkeypatch.setattr(first, "_first", is_first)
    said = write_all(tmp_path)
    assert bool(said) == is_first
    names = {
        "stats.json",
        "curves.png",
        "checkpoint.msgpack",
        "network.net",
        "metrics.csv",
        "board",
    }
    assert {path.name for path in tmp_path.iterdir()} == (names if is_first else set())


@pytest.mark.parametrize(
    ("error", "is_loss"),
    [
        (ValueError("UNKNOWN: Gloo all-reduce failed: Connection reset by peer"), True),
        (jax.errors.JaxRuntimeError("UNAVAILABLE: Task 1 heartbeat timeout"), True),
        (RuntimeError("NCCL operation failed: remote process exited"), True),
        (ValueError("`label` is 9, expected numbers in [0, 7]"), False),
        (OSError("Connection reset by peer"), False),
    ],
)
def test_an_error_of_the_other_side_is_known(error, is_loss):
    assert lost.is_loss(error) == is_loss


def test_arguments_of_a_start_are_looked_at_before_anything_begins():
    with pytest.raises(ValueError, match="`process` is 2 of 2 `processes`, expected 0 to 1"):
        training.distributed("127.0.0.1:1234", 2, 2)
    with pytest.raises(ValueError, match=r"`coordinator` is '127.0.0.1', expected host:port"):
        training.distributed("127.0.0.1", 2, 1)
    with pytest.raises(ValueError, match="heartbeat_s"):
        training.distributed(heartbeat_s=0)
    with pytest.raises(
        RuntimeError, match="JAX has computed already, expected `distributed` before"
    ):
        jnp.ones(1).block_until_ready()
        training.distributed("127.0.0.1:1234", 2, 1)


def test_one_process_agrees_with_itself():
    training.agree("options", {"seed": 1})
    with training.processes.jointly():
        pass
    assert training.processes.first_says(lambda: 3) == 3
