"""One event in, and out at the right step: delays, the shift, feedback and the border of calls."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block
from jslayer.block import Loop, cuba, sigma_delta
from tests.block import cases

NEURON = {**cases.MEMORYLESS, "threshold": 0.75, "persistent_state": True}
STEPS, AT = 12, 2
DELAYS = np.array([0.5, 2.0, 4.75, 0.0])
SHIFT = pytest.mark.parametrize("shift", [False, True])


def filled(network, shape, **values):
    """Variables of ones, or of the ``values`` by the name of the parameter."""
    found = jax.eval_shape(network.init, cases.KEY, jnp.ones(shape)).get("params", {})

    def value(path, leaf):
        names = [key.key for key in path]
        for name in reversed(names):
            if name in values:
                return jnp.broadcast_to(jnp.asarray(values[name], jnp.float32), leaf.shape)
        return jnp.ones(leaf.shape)

    return {"params": jax.tree_util.tree_map_with_path(value, found)}


def by_steps(network, variables, x):
    """Runs one step per call, so that every step is the border of two calls."""
    run = jax.jit(functools.partial(network.apply, mutable=["state"]))
    found, state = [], {}
    for t in range(x.shape[-1]):
        y, state = run({**variables, **state}, x[..., t : t + 1])
        found.append(y)
    return np.concatenate(found, -1)


def at_once(network, variables, x):
    return np.asarray(jax.jit(network.apply)(variables, x))


def at(*steps):
    """Rows of zeros with a one at the given step; ``None`` for none."""
    rows = np.zeros((len(steps), STEPS), np.float32)
    for row, step in zip(rows, steps, strict=True):
        if step is not None and step < STEPS:
            row[step] = 1
    return rows


PICTURES = {
    "Conv": lambda **o: cuba.Conv(NEURON, 1, 4, 1, **o),
    "ConvT": lambda **o: cuba.ConvT(NEURON, 1, 4, 1, **o),
    "Pool": lambda **o: cuba.Pool(NEURON, 1, **o),
    "Unpool": lambda **o: cuba.Unpool(NEURON, 1, **o),
}


@SHIFT
@pytest.mark.parametrize("run", [at_once, by_steps])
@pytest.mark.parametrize("name", PICTURES)
def test_all_pixels_of_a_channel_wait_its_delay(name, run, shift):
    network = PICTURES[name](delay=True, delay_shift=shift, pre_hook_fx=None)
    x = cases.impulse((1, 1 if "Conv" in name else 4, 1, 2, STEPS), AT)
    y = run(network, filled(network, x.shape, delay=DELAYS), x)
    expected = at(*(AT + DELAYS.astype(int) + shift))
    np.testing.assert_array_equal(y[0, :, 0, 0], expected)
    np.testing.assert_array_equal(y[0, :, 0, 1], expected)


@SHIFT
@pytest.mark.parametrize("run", [at_once, by_steps])
def test_feedback_takes_one_step_and_the_delay_comes_behind_it(run, shift):
    network = cuba.Recurrent(NEURON, 1, 4, delay=True, delay_shift=shift)
    chain = {"input_synapse": np.eye(4)[:, :1], "recurrent_synapse": np.eye(4, k=-1)}
    x = cases.impulse((1, 1, STEPS), AT)
    y = run(network, filled(network, x.shape, delay=DELAYS, **chain), x)
    np.testing.assert_array_equal(y[0], at(*(AT + np.arange(4) + DELAYS.astype(int) + shift)))


@SHIFT
@pytest.mark.parametrize("run", [at_once, by_steps])
def test_a_winner_keeps_itself_and_silences_the_others(run, shift):
    network = cuba.KWTA(NEURON, 2, 2, 1, 1.0, bias=0.0, delay_shift=shift)
    x = jnp.zeros((1, 2, STEPS)).at[0, 1, AT].set(1).at[0, 0, 6].set(1)
    y = run(network, filled(network, x.shape, synapse=np.eye(2)), x)
    expected = np.zeros((2, STEPS))
    expected[1, AT + shift :] = 1
    np.testing.assert_array_equal(y[0], expected)


@pytest.mark.parametrize("run", [at_once, by_steps])
@pytest.mark.parametrize("delay", [0, 1, 3])
def test_a_loop_comes_back_one_step_after_it_left(run, delay):
    class Around(cuba.Dense):
        def __call__(self, x, back, *, train=False):
            return super().__call__(jnp.concatenate([x, back], axis=1), train=train)

    network = Loop(Around(NEURON, 2, 1, delay=True, delay_shift=False), feedback=(1,))
    x = cases.impulse((1, 1, STEPS), AT)
    y = run(network, filled(network, x.shape, delay=delay + 0.5), x)
    expected = np.zeros(STEPS)
    expected[AT + delay :: 1 + delay] = 1  # and around again
    np.testing.assert_array_equal(y[0, 0], expected)


@pytest.mark.parametrize("run", [at_once, by_steps])
def test_a_change_passes_a_sigma_delta_block_once_and_without_a_shift(run):
    neuron = {"threshold": 0.25, "activation": "relu", "persistent_state": True}
    x = cases.impulse((1, 1, STEPS), AT)
    network = sigma_delta.Dense(neuron, 1, 4, delay=True)
    y = run(network, filled(network, x.shape, delay=DELAYS), x)
    np.testing.assert_array_equal(y[0], at(*(AT + DELAYS.astype(int))))
    network = sigma_delta.Dense(neuron, 1, 4, delay_shift=True)
    y = run(network, filled(network, x.shape), x)
    np.testing.assert_array_equal(y[0], at(*[AT + 1] * 4))


@SHIFT
@pytest.mark.parametrize("run", [at_once, by_steps])
def test_an_input_without_a_neuron_only_shifts(run, shift):
    network = cuba.Input(delay_shift=shift, persistent_state=True)
    x = cases.impulse((1, 1, STEPS), AT)
    np.testing.assert_array_equal(run(network, {}, x)[0], at(AT + shift))


@pytest.mark.parametrize("family", ["cuba", "sigma_delta"])
def test_blocks_in_a_row_add_their_shifts(family):
    home = getattr(block, family)
    neuron = NEURON if family == "cuba" else {"threshold": 0.25, "activation": "relu"}
    network = block.Sequential([home.Dense(neuron, 1, 1) for _ in range(5)])
    x = cases.impulse((1, 1, STEPS), AT)
    y = at_once(network, filled(network, x.shape), x)
    np.testing.assert_array_equal(y[0], at(AT + (5 if family == "cuba" else 0)))
