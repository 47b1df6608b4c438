"""A folder of checkpoints: what comes back, how many stay, what does not fit."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer.block import Sequential, cuba
from jslayer.neuron import MeanOnlyBatchNorm
from jslayer.training import Checkpoints, create_state, train_step

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
        assert same_bits(checkpoints.restore(jax.tree.map(jnp.zeros_like, odd)).state, odd)


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
