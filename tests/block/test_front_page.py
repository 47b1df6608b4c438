"""The network that shows what fits together: changes, resonators, adaptation, feedback, winners."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jslayer import block, loss
from jslayer.block import Sequential, alif, cuba, event_rates, rf_iz, sigma_delta
from tests.block import cases

CHANGES = {"threshold": 0.1, "activation": "relu"}
RESONATOR = {"threshold": 0.5, "period": 6.0, "decay": 0.1}
ADAPTIVE = {
    "threshold": 0.5,
    "threshold_step": 0.25,
    "current_decay": 0.5,
    "voltage_decay": 0.1,
    "threshold_decay": 0.1,
    "refractory_decay": 0.25,
}
LEAKY = {"threshold": 0.5, "current_decay": 0.5, "voltage_decay": 0.05}
NETWORK = Sequential(
    [
        sigma_delta.Input(CHANGES),
        sigma_delta.Conv(CHANGES, 3, 24, 3, weight_scale=2),
        sigma_delta.Conv(CHANGES, 24, 36, 3, weight_scale=2),
        rf_iz.Conv(RESONATOR, 36, 64, 3, weight_scale=4, delay=True),
        rf_iz.Conv(RESONATOR, 64, 64, 3, weight_scale=4, delay=True),
        rf_iz.Flatten(),
        alif.Dense(ADAPTIVE, None, 100, weight_scale=3, delay=True),
        cuba.Recurrent(LEAKY, 100, 50),
        cuba.KWTA(LEAKY, 50, 50, num_winners=5),
    ]
)
STEPS = 16
SHAPE = (2, 3, 10, 10, STEPS)
LABEL = jnp.array([0, 1])
ERROR = loss.SpikeRate(true_rate=0.5, false_rate=0.02)


@functools.cache
def trained():
    """Losses, event rates and parameters of two steps of training."""
    still = np.random.default_rng(0).random((*SHAPE[:-1], 1)) * 2
    moving = still * (1 + 0.5 * np.sin(np.arange(STEPS) / 3))
    x = jnp.asarray(moving, jnp.float32)
    variables = jax.jit(NETWORK.init)(cases.KEY, x)
    optimiser = optax.sign_sgd(0.02)

    @jax.jit
    def step(params, memory):
        def error(params):
            y, seen = NETWORK.apply({**variables, "params": params}, x, mutable=["intermediates"])
            return ERROR(y, LABEL), (y, event_rates(seen["intermediates"]))

        (value, found), gradient = jax.value_and_grad(error, has_aux=True)(params)
        updates, memory = optimiser.update(gradient, memory)
        return value, found, gradient, optax.apply_updates(params, updates), memory

    params, memory = variables["params"], optimiser.init(variables["params"])
    steps = []
    for _ in range(2):
        value, (y, rates), gradient, params, memory = step(params, memory)
        steps.append({"error": value, "y": y, "rates": rates, "gradient": gradient})
    return steps, variables, params, x


def test_it_runs_learns_and_tells_how_busy_each_layer_is():
    steps, variables, params, _ = trained()
    for found in steps:
        assert found["y"].shape == (2, 50, STEPS)
        assert np.isfinite(found["error"])
        assert set(found["rates"]) == {f"blocks_{i}" for i in range(9) if i != 5}
        assert all(0 < rate < 1 for rate in found["rates"].values()), found["rates"]
    assert steps[1]["error"] != steps[0]["error"]
    moved = lambda new, old: bool(np.any(new != old))
    for name, tree in jax.tree.map(moved, params, variables["params"]).items():
        assert any(jax.tree.leaves(tree)), name


def test_gradients_reach_every_weight_and_every_delay():
    steps, _, _, _ = trained()
    for path, leaf in jax.tree_util.tree_leaves_with_path(steps[0]["gradient"]):
        assert np.isfinite(leaf).all(), path
        assert np.any(leaf), path


def test_its_table_has_the_sizes_of_every_layer():
    _, variables, _, x = trained()
    table = block.summary(NETWORK, variables, x, run=False)
    image = lambda into, out, size, parts=1: parts * into * out * 9 * size**2
    synapses = [
        0,
        image(3, 24, 8),
        image(24, 36, 6),
        image(36, 64, 4, 2),
        image(64, 64, 2, 2),
        0,
        256 * 100,
        100 * 50 + 50 * 50,
        50 * 50 + 50 * 50,
    ]
    assert [row["synapses"] for row in table.rows] == synapses
    neurons = [300, 24 * 64, 36 * 36, 64 * 16, 64 * 4, 0, 100, 50, 50]
    assert [row["neurons"] for row in table.rows] == neurons
    weights = [0, 3 * 24 * 9, 24 * 36 * 9, 2 * 36 * 64 * 9, 2 * 64 * 64 * 9, 0, 25600, 7500, 2500]
    others = [0, 0, 0, 64, 64, 0, 100, 0, 1]  # delays, and the self-excitation
    found = [row["parameters"] for row in table.rows]
    assert found == [a + b for a, b in zip(weights, others, strict=True)]
    assert table.total["parameters"] == sum(found)
    assert "rf_iz Conv" in str(table)
