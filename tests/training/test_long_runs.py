"""Long runs stay flat in memory, and threads may share a network."""

import gc
import resource
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jslayer import loss, training
from jslayer.block import Sequential, cuba

NEURON = {"threshold": 0.5, "current_decay": 0.5, "voltage_decay": 0.125, "requires_grad": True}
X = (np.random.default_rng(0).random((2, 4, 8)) < 0.3).astype(np.float32)


def network():
    return Sequential([cuba.Dense(NEURON, 4, 6, delay=True), cuba.Dense(NEURON, 6, 2)])


def test_a_thousand_steps_hold_no_more_memory_than_a_hundred():
    with jax.numpy_dtype_promotion("standard"):
        state = training.create_state(network(), X, optax.adam(1e-3), seed=0)
        step = training.train_step(loss.SpikeRate(0.6, 0.1))

        def run(steps):
            nonlocal state
            for _ in range(steps):
                state, metrics = step(state, X, np.array([0, 1]))
            jax.block_until_ready(metrics)
            gc.collect()
            return len(gc.get_objects()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        objects, peak = run(150)
        later, later_peak = run(1500)
    assert later - objects < 500
    assert later_peak - peak < 20_000  # kB


def test_eight_threads_may_call_one_network():
    net = network()
    variables = net.init(jax.random.key(0), jnp.asarray(X))
    run = jax.jit(net.apply)
    rows = [(np.random.default_rng(k).random(X.shape) < 0.3).astype(np.float32) for k in range(32)]
    expected = [np.asarray(run(variables, x)) for x in rows]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda x: np.asarray(run(variables, x)), rows))
    np.testing.assert_array_equal(found, expected)


def test_networks_that_are_let_go_leave_no_arrays_behind():
    """Whoever tries many networks in one process keeps the arrays of none of them."""

    def try_one(scale):
        net = Sequential([cuba.Dense(NEURON, 4, 2, weight_scale=scale)])
        with jax.numpy_dtype_promotion("standard"):
            state = training.create_state(net, X, optax.adam(1e-3), seed=0)
            training.train_step(loss.SpikeRate(0.6, 0.1))(state, X, np.array([0, 1]))
        del state
        gc.collect()
        return sum(array.nbytes for array in jax.live_arrays())

    held = [try_one(scale) for scale in (1, 2, 3)]
    assert held[1:] == held[:1] * 2
