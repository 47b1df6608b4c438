"""The CUBA blocks: arguments, delays, masks and what they refuse."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.block import Sequential, cuba, event_rates
from jslayer.block.base import MAX_DELAY

NEURON = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.125}
MEMORYLESS = {"threshold": 1.0, "current_decay": 1.0, "voltage_decay": 1.0}
X = jnp.asarray(np.random.default_rng(0).random((2, 4, 10)) < 0.4, jnp.float32)
KEY = jax.random.key(0)


def test_the_third_after_weight_scale_is_the_hook_and_then_comes_the_delay():
    network = cuba.Dense(NEURON, 4, 3, 1, False, None, True)
    assert network.weight_hook() is None
    variables = jax.jit(network.init)(KEY, X)
    assert variables["params"]["delay_line"]["delay"].shape == (3,)
    assert "delay_line" not in cuba.Dense(NEURON, 4, 3).init(KEY, X)["params"]


def test_the_fourth_after_weight_scale_of_a_read_out_turns_its_dynamics_off():
    network = cuba.Affine(NEURON, 4, 3, 1, False, None, False)
    variables = jax.jit(network.init)(KEY, X)
    weight = variables["params"]["synapse"]["weight"]
    expected = np.einsum("oi,nit->not", weight, X)
    np.testing.assert_allclose(network.apply(variables, X), expected, rtol=1e-5, atol=1e-6)


def test_weights_are_quantised_unless_told_otherwise():
    at_work = lambda network, variables: network.apply(variables, jnp.eye(4)[None])
    plain = cuba.Affine(NEURON, 4, 3, dynamics=False)
    variables = plain.init(KEY, X)
    weight = variables["params"]["synapse"]["weight"]
    np.testing.assert_array_equal(
        at_work(plain, variables)[0], np.round(np.asarray(weight) * 32) / 32
    )
    raw = cuba.Affine(NEURON, 4, 3, dynamics=False, pre_hook_fx=None)
    np.testing.assert_array_equal(at_work(raw, variables)[0], weight)
    own = cuba.Affine(NEURON, 4, 3, dynamics=False, pre_hook_fx=jnp.sign)
    np.testing.assert_array_equal(at_work(own, variables)[0], np.sign(weight))


BLOCKS = {
    "input": lambda neuron: cuba.Input(neuron, weight=1.0, bias=0.1),
    "affine": lambda neuron: cuba.Affine(neuron, 4, 3),
    "dense": lambda neuron: cuba.Dense(neuron, 4, 3, delay=True),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_neuron_arguments_of_the_caller_are_left_untouched(name):
    neuron = {**NEURON, "shared_param": False, "requires_grad": True, "persistent_state": True}
    before = copy.deepcopy(neuron)
    network = BLOCKS[name](neuron)
    variables = jax.jit(network.init)(KEY, X)
    network.apply(variables, X, mutable=["state", "intermediates"])
    assert neuron == before
    assert type(neuron) is dict


def impulse(at, steps):
    return jnp.zeros((1, 1, steps)).at[..., at].set(1)


@pytest.mark.parametrize("shift", [False, True])
def test_a_spike_leaves_after_one_step_or_at_once(shift):
    x = impulse(2, 6)
    network = cuba.Dense(MEMORYLESS, 1, 1, pre_hook_fx=None, delay_shift=shift)
    weight = {"params": {"synapse": {"weight": jnp.array([[1.5]])}}}
    expected = impulse(2 + shift, 6)
    np.testing.assert_array_equal(network.apply(weight, x), expected)
    network = cuba.Input(MEMORYLESS, delay_shift=shift)
    np.testing.assert_array_equal(network.apply({}, 2 * x), expected)
    np.testing.assert_array_equal(cuba.Input(delay_shift=shift).apply({}, x), expected)


@pytest.mark.parametrize("shift", [False, True])
def test_a_spike_leaves_after_every_delay_that_there_is(shift):
    channels, steps = MAX_DELAY + 3, 80
    network = cuba.Dense(MEMORYLESS, 1, channels, delay=True, delay_shift=shift)
    params = {
        "synapse": {"weight": jnp.full((channels, 1), 1.5)},
        "delay_line": {"delay": jnp.arange(float(channels)) + 0.5},
    }
    y = np.asarray(jax.jit(network.apply)({"params": params}, impulse(3, steps)))[0]
    late = np.minimum(np.arange(channels), MAX_DELAY)
    expected = np.zeros((channels, steps))
    expected[np.arange(channels), 3 + late + shift] = 1
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("weight_norm", [False, True])
def test_masked_connections_carry_nothing_and_do_not_learn(weight_norm):
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [1, 1, 0, 1]])
    network = cuba.Dense(NEURON, 4, 3, weight_scale=4, weight_norm=weight_norm, mask=mask)
    variables = jax.jit(network.init)(KEY, X)
    loss = lambda p: jnp.sum(network.apply({"params": p}, X))
    gradient = jax.jit(jax.grad(loss))(variables["params"])["synapse"]
    gradient = np.asarray(gradient["weight_v" if weight_norm else "weight"])
    np.testing.assert_array_equal(gradient[mask == 0], 0)
    silent = X.at[:, 2].set(1)  # nothing is connected to the third input
    np.testing.assert_array_equal(network.apply(variables, silent), network.apply(variables, X))


def test_weight_norm_changes_nothing_at_the_start():
    plain = cuba.Dense(NEURON, 4, 3, weight_scale=4)
    normed = cuba.Dense(NEURON, 4, 3, weight_scale=4, weight_norm=True)
    spikes = plain.apply(plain.init(KEY, X), X)
    assert spikes.any()
    np.testing.assert_array_equal(normed.apply(normed.init(KEY, X), X), spikes)


def test_counts_are_the_fraction_of_outputs_that_are_events():
    network = Sequential(
        [
            cuba.Input(MEMORYLESS, count_log=True),
            cuba.Flatten(count_log=True),
            cuba.Dense(NEURON, 12, 3, weight_scale=4, count_log=True),
            cuba.Affine(NEURON, 3, 2, count_log=True),
        ]
    )
    x = 2 * jnp.asarray(np.random.default_rng(1).random((2, 3, 2, 2, 9)) < 0.5, jnp.float32)
    variables = jax.jit(network.init)(KEY, x)
    counting = jax.jit(lambda v, x: network.apply(v, x, mutable=["intermediates"]))
    (_, counts), seen = counting(variables, x)
    assert counts[1] is counts[3] is None
    np.testing.assert_allclose(counts[0], jnp.mean(x[..., :-1]) / 2 * 8 / 9, rtol=1e-5)
    assert counts[2] > 0
    rates = event_rates(seen["intermediates"])
    assert rates == {"blocks_0": counts[0], "blocks_2": counts[2]}


def test_flattening_leaves_the_channel_slowest():
    x = jnp.arange(2 * 3 * 4 * 5.0).reshape(1, 2, 3, 4, 5)
    np.testing.assert_array_equal(cuba.Flatten().apply({}, x)[0], x.reshape(24, 5))


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (X[0], ValueError, r"`x` has shape \(4, 10\).*expected \[N, C, ..., T\]"),
        (X.astype(jnp.int32) + 2**25, ValueError, "`x` holds integers from .*at most 2.24 in size"),
        (X[..., :0], ValueError, r"`x` has shape \(2, 4, 0\) with no time step.*at least 1"),
        (X.at[0, 0, 0].set(jnp.nan), ValueError, "`x` holds NaN, expected numbers"),
    ],
)
def test_bad_input_is_refused(name, x, error, message):
    network = BLOCKS[name](NEURON)
    with pytest.raises(error, match=message):
        network.apply(jax.jit(network.init)(KEY, X), x)


@pytest.mark.parametrize("kind", [cuba.Affine, cuba.Dense])
def test_other_channels_and_other_masks_are_refused(kind):
    network = kind(NEURON, 4, 3)
    with pytest.raises(ValueError, match=r"`x` has shape .* with 2 along axis .*expected 4"):
        network.apply(network.init(KEY, X), X[:, :2])
    with pytest.raises(ValueError, match=r"`mask` has shape \(4, 3\), expected .*\(3, 4\)"):
        kind(NEURON, 4, 3, mask=np.ones((4, 3))).init(KEY, X)
    with pytest.raises(ValueError, match=r"`mask` holds values from .*expected only 0 and 1"):
        kind(NEURON, 4, 3, mask=np.full((3, 4), 0.5))


@pytest.mark.parametrize("name", ["input", "dense"])
def test_a_state_of_another_batch_is_refused(name):
    network = BLOCKS[name]({**NEURON, "persistent_state": True})
    variables = jax.jit(network.init)(KEY, X)
    with pytest.raises(ValueError, match=r"`state` holds .* of shape \(2, .\), expected \(1, "):
        network.apply(variables, X[:1], mutable=["state"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"voltage_decay": 1.5}, r"`voltage_decay` is 1.5, expected numbers in \[0, 1\]"),
        ({"threshold": 0.001}, "`threshold` is 0.001, expected at least 1 / scale"),
        ({"implementation": "abacus"}, "`implementation` is 'abacus', expected None or one"),
    ],
)
@pytest.mark.parametrize("name", BLOCKS)
def test_bad_neuron_arguments_are_refused(name, changes, message):
    with pytest.raises(ValueError, match=message):
        BLOCKS[name]({**NEURON, **changes}).init(KEY, X)
