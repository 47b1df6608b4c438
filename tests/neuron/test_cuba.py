"""The CUBA neuron: what it computes, what it keeps and what it refuses."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jslayer.neuron import cuba
from jslayer.neuron.norm import MeanOnlyBatchNorm

FIELDS = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.125}
X = jnp.asarray(np.random.default_rng(0).normal(0.2, 0.5, (2, 3, 10)), jnp.float32)


def neuron(**changes):
    return cuba.Neuron(**{**FIELDS, **changes})


def reference(x, current_decay=1024, voltage_decay=512, level=4097, scale=4096):
    """The recurrence with Python's integers, for one neuron."""
    cut = lambda value: abs(value) // 4096 * (1 if value >= 0 else -1)
    current = voltage = 0
    spikes = []
    for x_t in x:
        current = cut(current * (4096 - current_decay)) + int(np.float32(x_t) * scale)
        voltage = cut(voltage * (4096 - voltage_decay)) + current
        spikes.append(float(voltage >= level))
        voltage = 0 if spikes[-1] else voltage
    return spikes


apply = jax.jit(lambda x: neuron().apply({}, x))


@settings(max_examples=30)
@given(st.lists(st.floats(-8, 8, width=32), min_size=12, max_size=12))
def test_spikes_equal_those_of_exact_integers(values):
    x = jnp.asarray(values, jnp.float32)[None, None]
    np.testing.assert_array_equal(apply(x)[0, 0], reference(values))


def test_a_voltage_exactly_at_the_threshold_does_not_spike():
    memoryless = neuron(current_decay=1.0, voltage_decay=1.0)
    x = jnp.array([1.0, 1.0 + 1 / 4096])[None, None]
    np.testing.assert_array_equal(memoryless.apply({}, x)[0, 0], [0, 1])


@pytest.mark.parametrize(("shared", "shape"), [(True, ()), (False, (3,)), ("neuron", (3, 4, 5))])
def test_parameters_have_the_shape_of_their_granularity(shared, shape):
    x = jnp.ones((2, 3, 4, 5, 6))
    layer = neuron(shared_param=shared, requires_grad=True)
    variables = jax.jit(layer.init)(jax.random.key(0), x)
    assert {n: v.shape for n, v in variables["params"].items()} == {
        "current_decay": shape,
        "voltage_decay": shape,
    }
    held = jax.jit(neuron(shared_param=shared).init)(jax.random.key(0), x)
    assert "params" not in held
    assert held["constants"]["current_decay"].shape == shape


def test_parameters_per_neuron_meet_their_own_neuron():
    rng = np.random.default_rng(3)
    x = jnp.asarray(rng.normal(0.2, 0.5, (1, 2, 3, 2, 12)), jnp.float32)
    whole = rng.integers(0, 4097, (2, 2, 3, 2))
    names = ("current_decay", "voltage_decay")
    params = {n: jnp.asarray(w / 4096, jnp.float32) for n, w in zip(names, whole, strict=True)}
    layer = neuron(shared_param="neuron", requires_grad=True)
    found = np.asarray(layer.apply({"params": params}, x))
    for place in np.ndindex(2, 3, 2):
        expected = reference(np.asarray(x)[(0, *place)], *(int(w[place]) for w in whole))
        np.testing.assert_array_equal(found[(0, *place)], expected)
    assert found.any()


def test_drawn_decays_lie_in_their_range():
    layer = neuron(shared_param=False, current_decay=(0.2, 0.3))
    drawn = jax.jit(layer.init)(jax.random.key(0), jnp.ones((1, 500, 2)))["constants"]
    assert 0.2 <= drawn["current_decay"].min() < drawn["current_decay"].max() <= 0.3
    np.testing.assert_allclose(drawn["voltage_decay"], 0.125, rtol=0.0101)


def test_a_decay_pushed_out_of_range_is_clamped_and_still_learns():
    layer = neuron(requires_grad=True, readout=True)
    loss = lambda p: jnp.sum(layer.apply({"params": p}, X))
    inside = {"current_decay": jnp.float32(1), "voltage_decay": jnp.float32(0)}
    outside = {"current_decay": jnp.float32(1.5), "voltage_decay": jnp.float32(-0.5)}
    assert loss(inside) == loss(outside)
    gradient = jax.grad(loss)(outside)
    assert gradient["current_decay"] != 0
    assert gradient["voltage_decay"] != 0


def test_traces_are_given_to_those_who_ask():
    spikes, collected = neuron().apply({}, X, mutable=["intermediates"])
    np.testing.assert_array_equal(spikes, neuron().apply({}, X))
    voltage = collected["intermediates"]["voltage"][0]
    assert voltage.shape == collected["intermediates"]["current"][0].shape == X.shape
    np.testing.assert_array_equal(spikes, voltage > 1)


def test_graded_spikes_carry_the_voltage():
    spikes, collected = neuron(graded_spike=True).apply({}, X, mutable=["intermediates"])
    voltage = collected["intermediates"]["voltage"][0]
    np.testing.assert_array_equal(spikes, jnp.where(voltage > 1, voltage, 0))
    assert spikes.any()


FIRST = {
    norm: neuron(persistent_state=True, norm=norm).init(jax.random.key(0), X)
    for norm in (None, MeanOnlyBatchNorm)
}
PERSISTENT = {
    norm: jax.jit(
        lambda v, x, norm=norm: neuron(persistent_state=True, norm=norm).apply(
            v, x, mutable=["state"]
        )
    )
    for norm in FIRST
}


@pytest.mark.parametrize("norm", [None, MeanOnlyBatchNorm])
@settings(max_examples=10)
@given(cuts=st.sets(st.integers(1, 5), max_size=3))
def test_a_persistent_neuron_continues_where_it_stopped(norm, cuts):
    x = np.asarray(X)[..., :6]
    whole, last = PERSISTENT[norm](FIRST[norm], x)
    parts, state = [], {}
    for piece in np.split(x, sorted(cuts), axis=-1):
        spikes, state = PERSISTENT[norm]({**FIRST[norm], **state}, piece)
        parts.append(spikes)
    np.testing.assert_array_equal(np.concatenate(parts, -1), whole)
    jax.tree.map(np.testing.assert_array_equal, state, last)


def test_initialising_leaves_a_persistent_state_at_rest():
    for kept in jax.tree.leaves(FIRST[None]["state"]):
        assert not kept.any()


def test_the_fields_given_are_left_untouched():
    fields = {**FIELDS, "shared_param": False, "requires_grad": True}
    before = copy.deepcopy(fields)
    cuba.Neuron(**fields).init(jax.random.key(0), X)
    assert fields == before


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (X[0], ValueError, r"`x` has shape \(3, 10\).*expected \[N, C, ..., T\]"),
        (X[None, None, None], ValueError, r"`x` has shape .*6 axes.*expected \[N, C, ..., T\]"),
        (X.astype(jnp.int32), TypeError, "`x` has dtype int32, expected a floating-point array"),
        (X[..., :0], ValueError, r"`x` has shape \(2, 3, 0\) with no time step.*at least 1"),
        (X.at[0, 0, 0].set(jnp.nan), ValueError, "`x` holds NaN, expected numbers"),
    ],
)
def test_bad_input_is_refused(x, error, message):
    with pytest.raises(error, match=message):
        neuron().apply({}, x)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"current_decay": -0.1}, r"`current_decay` is -0.1, expected numbers in \[0, 1\]"),
        ({"voltage_decay": 1.1}, r"`voltage_decay` is 1.1, expected numbers in \[0, 1\]"),
        ({"voltage_decay": float("nan")}, r"`voltage_decay` is nan, expected numbers in \[0, 1\]"),
        ({"voltage_decay": 128}, r"`voltage_decay` is 128, expected numbers in \[0, 1\]"),
        ({"threshold": 0.01}, r"`threshold` is 0.01, expected at least 1 / scale = 0.015625"),
        ({"threshold": -1.0}, "`threshold` is -1.0, expected at least"),
        ({"threshold": float("nan")}, "`threshold` is nan, expected at least"),
        ({"scale": 0}, "`scale` is 0, expected a whole number of at least 1"),
        ({"tau_grad": 0}, "`tau_grad` is 0, expected a number above 0"),
        ({"shared_param": "all"}, "`shared_param` is 'all', expected one of True, False, 'neuron'"),
        ({"current_decay": (0.1, 0.2)}, r"`current_decay` is \(0.1, 0.2\), expected one number"),
        (
            {"current_decay": (0.2, 0.1), "shared_param": False},
            r"`current_decay` is \(0.2, 0.1\), expected one number, or \(min, max\)",
        ),
        (
            {"current_decay": (0.2, 1.1), "shared_param": False},
            r"`current_decay` is \[0.2, 1.1\], expected numbers in \[0, 1\]",
        ),
        ({"implementation": "abacus"}, "`implementation` is 'abacus', expected None or one"),
        ({"dropout": 1.5}, r"`p` is 1.5, expected numbers in \[0, 1\]"),
    ],
)
def test_bad_fields_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        neuron(**changes).init(jax.random.key(0), X)


def test_drawn_decays_must_be_passed_along():
    layer = neuron(shared_param=False)
    with pytest.raises(ValueError, match=r"`variables` lacks constants/.*current_decay, expected"):
        layer.apply({}, X)


@pytest.mark.parametrize("requires_grad", [True, False])
def test_decays_of_other_channels_are_refused(requires_grad):
    layer = neuron(shared_param=False, requires_grad=requires_grad)
    variables = layer.init(jax.random.key(0), X)
    with pytest.raises(ValueError, match=r"`current_decay` has shape \(3,\), expected \(2,\)"):
        layer.apply(variables, X[:, :2])


def test_a_state_of_another_batch_is_refused():
    layer = neuron(persistent_state=True)
    _, state = layer.apply({}, X, mutable=["state"])
    with pytest.raises(ValueError, match=r"`state` holds .* of shape \(2, 3\), expected.*\(1, 3\)"):
        layer.apply(state, X[:1], mutable=["state"])


def test_what_a_network_file_holds_makes_the_same_neuron():
    fields = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.125}
    held = cuba.Neuron(**fields).device_params({})
    assert (held["iDecay"], held["vDecay"], held["vThMant"]) == (1024, 512, 80)
    assert cuba.neuron_params(held) == fields


@pytest.mark.parametrize("scale", [49, 50, 60, 64, 100])
def test_a_learned_threshold_is_the_held_one_and_the_file_s_at_every_scale(scale):
    for mantissa in range(1, 4 * scale, 7):
        neuron = cuba.Neuron((mantissa + 0.25) / scale, 0.5, 0.1, scale=scale, threshold_grad=True)
        assert neuron.v_th_mant == mantissa
        variables = {"params": {"threshold": jnp.float32(mantissa / scale)}}
        assert neuron.device_params(variables)["vThMant"] == mantissa


def test_a_persistent_neuron_starts_afresh_where_no_state_is_given():
    neuron = cuba.Neuron(1.0, 0.25, 0.03, persistent_state=True)
    plain = neuron.clone(persistent_state=False)
    x = jnp.full((2, 3, 20), 0.4)
    np.testing.assert_array_equal(neuron.apply({}, x), plain.apply({}, x))
