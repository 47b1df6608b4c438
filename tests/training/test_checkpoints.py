"""A folder of checkpoints: what comes back, how many stay, what does not fit."""

import os
import resource
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer.block import Sequential, cuba
from jslayer.neuron import MeanOnlyBatchNorm
from jslayer.training import CheckpointError, Checkpoints, create_state, train_step

NEURON = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, "requires_grad": True}
X = np.ones((2, 3, 8), np.float32)
MOMENTUM = optax.sgd(0.1, momentum=0.9)


def state(outputs=4, optimizer=MOMENTUM, seed=0):
    neuron = {**NEURON, "norm": MeanOnlyBatchNorm}
    network = Sequential([cuba.Dense(neuron, 3, outputs, weight_norm=True)])
    return create_state(network, X, optimizer, seed=seed)


def same_bits(a, b):
    same = lambda x, y: x.dtype == y.dtype and np.asarray(x).tobytes() == np.asarray(y).tobytes()
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(same(x, y) for x, y in pairs)


def test_a_training_state_and_what_was_saved_beside_it_come_back(tmp_path):
    step = train_step(lambda y, _: jnp.sum((y - 0.5) ** 2))
    trained, _ = step(state(), X, None)
    extra = {"position": {"epoch": 2, "batch": 5}, "note": "é", "empty": None}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(7, trained, extra)
    with Checkpoints(tmp_path) as checkpoints:
        found = checkpoints.restore(state(seed=1))
    assert (found.step, found.extra) == (7, extra)
    assert same_bits(found.state, trained)
    assert isinstance(found.state, type(trained))
    onward, metrics = step(found.state, X, None)
    wanted, expected = step(trained, X, None)
    assert same_bits(onward, wanted)
    assert metrics == expected


def test_the_last_few_stay_and_any_of_them_can_be_read(tmp_path):
    with Checkpoints(tmp_path / "new" / "folder", keep=2) as checkpoints:
        assert checkpoints.latest is None
        for step in (1, 2, 5):
            checkpoints.save(step, {"a": jnp.full(2, step)})
        assert checkpoints.steps == (2, 5)
        assert checkpoints.latest == 5
        like = {"a": jnp.zeros(2, jnp.int32)}
        np.testing.assert_array_equal(checkpoints.restore(like).state["a"], [5, 5])
        np.testing.assert_array_equal(checkpoints.restore(like, 2).state["a"], [2, 2])
        with pytest.raises(FileNotFoundError, match=r"holds \[2, 5\], expected checkpoint 1"):
            checkpoints.restore(like, 1)
        with pytest.raises(
            ValueError, match=r"`step` is 5, but .* has 5, expected a higher number"
        ):
            checkpoints.save(5, like)


def test_numbers_that_are_not_finite_come_back(tmp_path):
    odd = {"a": jnp.array([jnp.nan, -jnp.inf, -0.0]), "flag": jnp.array([True, False])}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(0, odd)
        with pytest.warns(UserWarning, match="checkpoint 0 in .* holds NaN in a; go on"):
            found = checkpoints.restore(jax.tree.map(jnp.zeros_like, odd))
        assert same_bits(found.state, odd)


def test_an_empty_folder_is_named(tmp_path):
    with (
        Checkpoints(tmp_path) as checkpoints,
        pytest.raises(FileNotFoundError, match=r"`folder` is .*\[\], expected a checkpoint"),
    ):
        checkpoints.restore({"a": jnp.zeros(2)})


def test_what_a_killed_save_left_behind_is_not_taken_for_a_checkpoint(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, {"a": jnp.ones(2)})
    (tmp_path / "2.orbax-checkpoint-tmp").mkdir()
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.steps == (1,)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (lambda: state(5), "instead of float32"),
        (lambda: state(optimizer=optax.adam(0.1)), "lacks opt_state"),
        (lambda: {"weight": jnp.zeros(2)}, "lacks weight"),
    ],
)
def test_a_checkpoint_of_something_else_says_what_differs(tmp_path, other, says):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, state())
        with pytest.raises(ValueError, match=f"`folder` is .*{says}.*expected .*check"):
            checkpoints.restore(other())


def test_what_json_cannot_express_is_refused_before_anything_is_written(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(TypeError):
            checkpoints.save(1, {"a": jnp.ones(2)}, {"array": jnp.ones(2)})
        with pytest.raises(ValueError, match="JSON"):
            checkpoints.save(1, {"a": jnp.ones(2)}, {"loss": float("nan")})
        assert checkpoints.steps == ()
    with pytest.raises(ValueError, match="`keep` is 0, expected a whole number"):
        Checkpoints(tmp_path, keep=0)


LIKE = {"a": jnp.arange(64.0), "b": {"c": jnp.ones((2, 3), jnp.int32)}}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A folder with checkpoints 1 and 2, to be copied."""
    folder = tmp_path_factory.mktemp("checkpoints") / "two"
    with Checkpoints(folder) as checkpoints:
        for step in (1, 2):
            checkpoints.save(step, LIKE, {"epoch": step})
    return folder


def without_listing(step):
    (step / "checksums.sha256").unlink()


def no_listing_and_cut(step):
    """As an interrupted copy of a checkpoint of an earlier version."""
    without_listing(step)
    (step / "state" / "_METADATA").write_text("{")


def flip(name):
    def change(step):
        path = next(path for path in sorted(step.rglob(name)) if path.stat().st_size)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.write_bytes(content)

    return change


def emptied(step):
    shutil.rmtree(step)
    step.mkdir()


DAMAGES = {
    "data": flip("d/*"),
    "metadata": flip("_METADATA"),
    "manifest": flip("manifest.ocdbt"),
    "extra": flip("extra/metadata"),
    "listing": flip("checksums.sha256"),
    "missing": lambda step: (step / "extra" / "metadata").unlink(),
    "empty": emptied,
    "earlier version": no_listing_and_cut,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_and_makes_way(two, tmp_path, damage, capfd, caplog):
    folder = tmp_path / "copy"
    shutil.copytree(two, folder)
    DAMAGES[damage](folder / "2")
    with Checkpoints(folder) as checkpoints:
        with pytest.raises(CheckpointError, match=r"damaged checkpoints: 2 \(.*expected a whole"):
            checkpoints.restore(LIKE, 2)
        with pytest.warns(UserWarning, match=r"damaged checkpoints: 2 \(.*restored 1, the newest"):
            found = checkpoints.restore(LIKE)
        assert (found.step, found.extra) == (1, {"epoch": 1})
        assert same_bits(found.state, LIKE)
        with pytest.raises(ValueError, match="`step` is 1, but"):
            checkpoints.save(1, LIKE)
        checkpoints.save(2, LIKE, {"epoch": 9})
        assert checkpoints.restore(LIKE).extra == {"epoch": 9}
    assert sorted(os.listdir(folder)) == ["1", "2", "2.damaged"]
    assert capfd.readouterr().err == "" and caplog.text == ""


def test_an_earlier_version_without_checksums_is_read(two, tmp_path):
    shutil.copytree(two, tmp_path / "copy")
    without_listing(tmp_path / "copy" / "2")
    with Checkpoints(tmp_path / "copy") as checkpoints:
        assert checkpoints.restore(LIKE).step == 2


def test_where_all_are_damaged_all_are_named(two, tmp_path):
    shutil.copytree(two, tmp_path / "copy")
    for step in "12":
        emptied(tmp_path / "copy" / step)
    with (
        Checkpoints(tmp_path / "copy") as checkpoints,
        pytest.raises(CheckpointError, match=r"damaged checkpoints: 2 \(.*\); 1 \(") as caught,
    ):
        checkpoints.restore(LIKE)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("step", [7.0, -3, True, "7", None, jnp.float32(7)])
def test_a_step_is_a_whole_number(tmp_path, step):
    kind = ValueError if step == -3 else TypeError
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(
            kind, match=r"`step` is .*, expected (an integer|a whole number from 0)"
        ):
            checkpoints.save(step, LIKE)
        checkpoints.save(jnp.int32(3), {"a": jnp.ones(2)})
        assert checkpoints.steps == (3,)


def test_a_second_run_into_one_folder_is_refused_but_may_read(tmp_path):
    with Checkpoints(tmp_path) as first, Checkpoints(tmp_path) as second:
        first.save(1, LIKE)
        with pytest.raises(BlockingIOError, match=r"`folder` is .* another training run writes"):
            second.save(2, LIKE)
    with Checkpoints(tmp_path) as third:
        assert third.restore(LIKE).step == 1
        third.save(2, LIKE)


def test_a_full_disk_is_told_with_the_checkpoint_and_leaves_those_before(two, tmp_path, capfd):
    shutil.copytree(two, tmp_path / "copy")
    large = {"a": np.random.default_rng(0).random(10**5)}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Checkpoints(tmp_path / "copy") as checkpoints:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        try:
            with pytest.raises(OSError, match="too large") as caught:
                checkpoints.save(3, large)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert caught.value.filename == str(tmp_path / "copy" / "3")
        assert checkpoints.restore(LIKE).step == 2
    assert sorted(os.listdir(tmp_path / "copy")) == ["1", "2"]
