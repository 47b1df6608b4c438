"""Checkpoints: whole or not at all, and only where they fit."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import serialization

from jslayer.block import Sequential, cuba
from jslayer.training import (
    CheckpointError,
    create_state,
    load_checkpoint,
    save_checkpoint,
    train_step,
)

NEURON = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, "requires_grad": True}
X = np.ones((2, 3, 8), np.float32)


def state(*sizes, optimizer=None, seed=0):
    pairs = itertools.pairwise(sizes)
    network = Sequential([cuba.Dense(NEURON, *pair, weight_norm=True) for pair in pairs])
    return create_state(network, X, optimizer or optax.sgd(0.1, momentum=0.9), seed=seed)


def same_bits(a, b):
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(
        np.asarray(x).dtype == np.asarray(y).dtype and np.array_equal(x, y, equal_nan=True)
        for x, y in pairs
    )


def test_a_training_state_comes_back_bit_for_bit(tmp_path):
    path, step = tmp_path / "state", train_step(lambda y, _: jnp.sum((y - 0.5) ** 2))
    trained, _ = step(state(3, 4, 2), X, None)
    save_checkpoint(path, trained)
    found = load_checkpoint(path, state(3, 4, 2, seed=1))
    assert same_bits(found, trained)
    assert int(found.step) == 1
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(found))


def test_a_state_read_from_a_file_is_not_compiled_for_again(tmp_path):
    traces = []

    def loss(y, _):
        traces.append(None)
        return jnp.sum(y)

    step = train_step(loss)
    trained, _ = step(state(3, 2), X, None)
    save_checkpoint(tmp_path / "state", trained)
    once = len(traces)
    step(load_checkpoint(tmp_path / "state", trained), X, None)
    assert len(traces) == once


def test_texts_and_numbers_are_kept_beside_arrays(tmp_path):
    tree = {
        "name": "a",
        "epoch": 3,
        "rate": 0.5,
        "weight": np.arange(3.0),
        "odd": jnp.array(jnp.nan),
    }
    save_checkpoint(tmp_path / "file", tree)
    like = {"name": "", "epoch": 0, "rate": 0.0, "weight": np.zeros(3), "odd": jnp.array(0.0)}
    with pytest.warns(UserWarning, match=r"file holds NaN in odd; go on from an earlier"):
        found = load_checkpoint(tmp_path / "file", like)
    assert (found["name"], found["epoch"], found["rate"]) == ("a", 3, 0.5)
    np.testing.assert_array_equal(found["weight"], tree["weight"])
    assert np.isnan(found["odd"])


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (lambda: state(3, 5), "instead of float32"),
        (lambda: state(3, 2, 2), "lacks .*blocks_1"),
        (lambda: state(3, 2, optimizer=optax.adam(0.1)), "lacks opt_state"),
        (lambda: {"weight": jnp.zeros(2)}, "lacks weight"),
    ],
)
def test_a_checkpoint_of_something_else_says_what_differs(tmp_path, other, says):
    save_checkpoint(tmp_path / "state", state(3, 2))
    with pytest.raises(ValueError, match=f"`path` is .*{says}.*expected .*check"):
        load_checkpoint(tmp_path / "state", other())


def test_a_larger_network_is_not_read_in_part(tmp_path):
    save_checkpoint(tmp_path / "state", state(3, 2, 2))
    with pytest.raises(ValueError, match=r"holds .*blocks_1.* besides"):
        load_checkpoint(tmp_path / "state", state(3, 2))


@pytest.mark.parametrize(
    ("saved", "like"),
    [
        (jnp.zeros(2, jnp.int32), jnp.zeros(2)),
        (jnp.zeros(2), jnp.zeros((2, 1))),
        ("text", jnp.zeros(())),
        ("text", 0),
        (jnp.zeros(2), 0),
        (0, "text"),
    ],
)
def test_another_shape_or_kind_of_leaf_does_not_fit(tmp_path, saved, like):
    save_checkpoint(tmp_path / "file", {"a": saved})
    with pytest.raises(ValueError, match="for a instead of"):
        load_checkpoint(tmp_path / "file", {"a": like})


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 99, b"\xc1", b"\x89HDF\r\n\x1a\n"])
def test_bytes_of_another_kind_are_no_checkpoint(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=r"`path` is .* expected .*check"):
        load_checkpoint(tmp_path / "file", {"a": jnp.zeros(2)})


def test_a_file_cut_short_is_no_checkpoint(tmp_path):
    path = tmp_path / "file"
    save_checkpoint(path, {"a": jnp.zeros(20), "b": 3})
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="`path` is"):
            load_checkpoint(path, {"a": jnp.zeros(20), "b": 3})


def test_every_flipped_bit_is_found(tmp_path):
    path, like = tmp_path / "file", {"a": jnp.zeros(5), "b": 3}
    save_checkpoint(path, like)
    content = path.read_bytes()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(CheckpointError, match=r"`path` is .* expected .*; check the name"):
            load_checkpoint(path, like)


def test_a_file_of_flax_without_checksum_is_read(tmp_path):
    (tmp_path / "file").write_bytes(serialization.to_bytes({"a": np.arange(3)}))
    found = load_checkpoint(tmp_path / "file", {"a": np.zeros(3, int)})
    np.testing.assert_array_equal(found["a"], [0, 1, 2])


@pytest.mark.parametrize("name", ["\x1b[2J" * 99, "a" * 10**6])
def test_names_from_a_file_do_not_flood_the_message(tmp_path, name):
    save_checkpoint(tmp_path / "file", {name: 1})
    with pytest.raises(CheckpointError, match="besides") as caught:
        load_checkpoint(tmp_path / "file", {})
    assert len(str(caught.value)) < 500 and str(caught.value).isprintable()


def test_a_missing_file_or_a_folder_is_named(tmp_path):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(FileNotFoundError, match=r"`path` is .*, expected a checkpoint"):
            load_checkpoint(path, {})
    with pytest.raises(FileNotFoundError, match="folder does not exist"):
        save_checkpoint(tmp_path / "absent" / "file", {"a": 1})


def test_a_failed_save_leaves_the_checkpoint_before_it(tmp_path, monkeypatch):
    path = tmp_path / "file"
    save_checkpoint(path, {"a": 1})

    def fail(*_):
        raise KeyboardInterrupt

    with pytest.raises(TypeError):
        save_checkpoint(path, {"a": object()})
    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, {"a": 2})
    assert load_checkpoint(path, {"a": 0}) == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_what_is_read_may_be_donated(tmp_path):
    save_checkpoint(tmp_path / "file", {"a": jnp.arange(1024.0)})
    found = load_checkpoint(tmp_path / "file", {"a": jnp.zeros(1024)})
    double = jax.jit(lambda tree: {"a": tree["a"] + tree["a"]}, donate_argnums=0)
    np.testing.assert_array_equal(double(found)["a"], 2 * np.arange(1024.0))
