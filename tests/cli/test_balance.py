"""The pole balances: physics, teacher, training, and a network that is exact in any loop."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.block import stream
from jslayer.cli import balance, train

CARTS, STEPS = 8, 300


@pytest.fixture(scope="module")
def trained():
    """A small network before and after a short training, and the losses."""
    network = balance.controller(hidden=32)
    with jax.numpy_dtype_promotion("standard"):  # Adam multiplies floats with its step count
        return network, *balance.train(network, seed=0, rounds=150, carts=16, steps=100)


def test_a_cart_at_rest_with_an_upright_pole_stays():
    np.testing.assert_array_equal(balance.advance(jnp.zeros(4), jnp.float32(0.0)), np.zeros(4))


def test_a_step_is_that_of_the_equations():
    position, speed, angle, turning, force = 0.3, -0.2, 0.1, 0.4, 3.0
    # the coupled equations of motion, solved as a linear system
    mass, moment = 1.1, 0.1 * 0.5
    sin, cos = np.sin(angle), np.cos(angle)
    matrix = [[mass, moment * cos], [moment * cos, moment * 0.5 * 4 / 3]]
    right = [force + moment * turning**2 * sin, moment * 9.8 * sin]
    acceleration, turn = np.linalg.solve(matrix, right)
    speed, turning = speed + 0.02 * acceleration, turning + 0.02 * turn
    wanted = [position + 0.02 * speed, speed, angle + 0.02 * turning, turning]
    cart = jnp.array([0.3, -0.2, 0.1, 0.4])
    np.testing.assert_allclose(balance.advance(cart, jnp.float32(force)), wanted, rtol=1e-5)


def test_the_teacher_holds_every_pole():
    gains = balance.regulator()

    def step(cart, _):
        return balance.advance(cart, balance.limited(cart @ gains)), cart

    first = balance.first_carts(jax.random.key(0), 100)
    _, carts = jax.lax.scan(step, first, length=500)
    assert (balance.steps_up(carts) == 500).all()
    assert jnp.abs(carts[-1]).max() < 0.01


def test_steps_are_counted_until_the_first_fall():
    carts = jnp.zeros((5, 3, 4)).at[2, 1, 2].set(0.3).at[4, 2, 0].set(-3.0)
    np.testing.assert_array_equal(balance.steps_up(carts), [5, 2, 4])


@pytest.mark.slow
def test_a_trained_network_holds_the_pole_far_longer_than_an_untrained_one(trained):
    network, before, after, losses = trained
    assert losses.shape == (150,)
    steering = stream(network)
    cart = balance.first_carts(jax.random.key(7), CARTS)
    pushes = 0.5 * jax.random.normal(jax.random.key(8), (STEPS, CARTS))
    scanned = jax.jit(functools.partial(balance.scan_loop, steering))

    def median_up(variables):
        state = steering.start(variables, balance.sense(cart))
        return jnp.median(balance.steps_up(scanned(variables, state, cart, pushes)[0]))

    assert median_up(before) < 60
    assert median_up(after) == STEPS


@pytest.mark.slow
def test_the_network_is_exact_in_a_loop_and_a_scan_and_the_cart_is_to_rounding(trained):
    network, _, after, _ = trained
    steering = stream(network)
    cart = balance.first_carts(jax.random.key(3), 1)
    pushes = 0.5 * jax.random.normal(jax.random.key(4), (STEPS, 1))
    rest = lambda: steering.start(after, balance.sense(cart))
    scanned = jax.jit(functools.partial(balance.scan_loop, steering))
    carts, forces = scanned(after, rest(), cart, pushes)
    stepped, given, seconds = balance.python_loop(steering, after, rest(), cart, pushes)
    assert len(seconds) == STEPS
    assert len(np.unique(forces)) > 75
    for found in (carts, stepped):
        assert balance.network_is_exact(network, after, found)
        assert balance.steps_up(found) == STEPS
    # a step moves by up to 1; forces are whole multiples of a state's unit, the rest is rounding
    assert balance.physics_differ(carts, forces, pushes) < 2e-6
    assert balance.physics_differ(stepped, given, pushes) < 2e-6


@pytest.mark.slow
def test_the_command_reports_and_draws(tmp_path, capsys):
    with jax.numpy_dtype_promotion("standard"):
        assert balance.main(["--out", str(tmp_path / "out"), "--rounds", "2", "--seed", "3"]) == 0
    said = capsys.readouterr().out
    for words in (
        "trained 2 rounds in",
        "untrained: the pole stays up for",
        "trained: the pole stays up for",
        "in a loop, a scan and one call agree bit for bit: True",
        "a step of the Python loop is that of one call within",
        "a step of the scan is that of one call within",
        "us in the Python loop",
        "us in the scan",
    ):
        assert words in said
    assert (tmp_path / "out" / "balance.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert balance.main(["--out", str(tmp_path / "file" / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_no_training_at_all_is_refused(capsys):
    with pytest.raises(SystemExit):
        balance.main(["--rounds", "0"])
    assert "`--rounds` is 0, expected at least 1" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_writes_network_numbers_and_picture(tmp_path, capsys):
    out = tmp_path / "new"
    with jax.numpy_dtype_promotion("standard"):
        assert (
            train.main(
                ["--data", "balance", "--epochs", "1", "--batch-size", "2", "--out", str(out)]
            )
            == 0
        )
    assert {file.name for file in out.iterdir()} == {"network.net", "stats.json", "balance.png"}
    saved = json.loads((out / "stats.json").read_text())
    assert saved["about"]["options"]["batch_size"] == 2
    assert set(saved["steps_up"]) == {"untrained", "trained"}
    for option in ("--resume", "--devices=2"):
        assert train.main(["--data", "balance", "--out", str(tmp_path / "other"), option]) == 2
        assert "balance" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
