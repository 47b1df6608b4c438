"""What every neuron does: shapes, chunks, steps, transforms, traces, files and refusals."""

import copy
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jslayer import neuron
from jslayer.neuron import parameters
from tests.neuron import cases

STEPS = 8
SHAPE = (2, 3, STEPS)
LONG = (4, 6, 40)  # one shape for what needs many spikes, so that the plain call compiles once
EVERY = pytest.mark.parametrize("name", cases.NAMES)


@functools.cache
def persistent(name):
    """A persistent neuron as a jitted function of (variables, drive), and its first variables."""
    layer = cases.make(name, persistent_state=True)
    variables = cases.init(layer, jax.random.key(0), cases.drive(name, SHAPE))
    return jax.jit(functools.partial(layer.apply, mutable=["state"])), variables


@EVERY
@settings(max_examples=8)
@given(cuts=st.sets(st.integers(1, STEPS - 1), max_size=3), seed=st.integers(0, 2**16))
@example(cuts={4}, seed=0)
def test_parts_equal_the_whole(name, cuts, seed):
    apply, variables = persistent(name)
    x = cases.drive(name, SHAPE, seed)
    border = [cut - 1 for cut in sorted(cuts)]
    loud = lambda part: jnp.asarray(np.where(np.isin(np.arange(STEPS), border), 4, part))
    x = jax.tree.map(loud, x)  # spikes at the border
    whole, last = apply(variables, x)
    parts, state = [], {}
    ends = [0, *sorted(cuts), STEPS]
    for start, stop in itertools.pairwise(ends):
        y, state = apply({**variables, **state}, cases.cut(x, start, stop))
        parts.append(y)
    np.testing.assert_array_equal(np.concatenate(parts, -1), whole)
    jax.tree.map(np.testing.assert_array_equal, state, last)


@EVERY
def test_steps_equal_the_whole(name):
    layer, x = cases.make(name), cases.drive(name, (2, 3, 2, 2, 20))
    variables = cases.init(layer, jax.random.key(0), x)
    whole = layer.apply(variables, x)
    step, state, found = jax.jit(layer.step), None, []
    for t in range(20):
        y, state = step(
            variables, jax.tree.map(lambda part, t=t: np.asarray(part)[..., t], x), state
        )
        found.append(y)
    np.testing.assert_array_equal(np.stack(found, -1), whole)
    assert np.asarray(whole).any()


@EVERY
@pytest.mark.parametrize(("shared", "shape"), [(True, ()), (False, (3,)), ("neuron", (3, 2, 4))])
def test_parameters_have_the_shape_of_their_granularity(name, shared, shape):
    x = cases.drive(name, (2, 3, 2, 4, 5))
    layer = cases.make(name, shared_param=shared, requires_grad=True)
    variables = jax.eval_shape(layer.init, jax.random.key(0), x)
    assert {leaf.shape for leaf in jax.tree.leaves(variables["params"])} == {shape}
    assert jax.tree.leaves(variables["params"])[0].dtype == jnp.float32
    held = jax.eval_shape(cases.make(name, shared_param=shared).init, jax.random.key(0), x)
    assert "params" not in held
    assert jax.eval_shape(layer.apply, variables, x).shape == (2, 3, 2, 4, 5)


@EVERY
def test_parameters_of_each_neuron_meet_their_own_neuron(name):
    layer = cases.make(name, shared_param="neuron", requires_grad=True)
    x = cases.drive(name, (2, 2, 3, 2, 15))
    params = cases.init(layer, jax.random.key(0), x)["params"]
    rng = np.random.default_rng(0)
    params = {
        n: np.asarray(p) * rng.uniform(0.8, 1.0, p.shape).astype(np.float32)
        for n, p in params.items()
    }
    whole = np.asarray(cases.apply(layer, {"params": params}, x))
    single = cases.make(name, requires_grad=True)
    for place in np.ndindex(2, 3, 2):
        one = {n: p[place] for n, p in params.items()}
        alone = jax.tree.map(lambda part, p=place: np.asarray(part)[(slice(None), *p)][:, None], x)
        y = cases.apply(single, {"params": one}, alone)
        np.testing.assert_array_equal(np.asarray(y)[:, 0], whole[(slice(None), *place)])


@EVERY
def test_many_networks_at_once_equal_one_by_one(name):
    layer, x = cases.make(name, requires_grad=True, shared_param=False), cases.drive(name, SHAPE)
    draw = lambda key: layer.init(key, x)["params"]
    params = jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(0), 3))
    many = np.asarray(jax.jit(jax.vmap(lambda p: layer.apply({"params": p}, x)))(params))
    for i in range(3):
        one = jax.tree.map(lambda leaf, i=i: np.asarray(leaf)[i], params)
        np.testing.assert_array_equal(many[i], cases.apply(layer, {"params": one}, x))


@EVERY
def test_a_call_of_the_same_shapes_is_not_traced_again(name):
    layer, x = cases.make(name), cases.drive(name, SHAPE)
    traces = []

    @jax.jit
    def run(x):
        traces.append(1)
        return layer.apply({}, x)

    run(x), run(cases.drive(name, SHAPE, seed=1))
    assert len(traces) == 1
    assert hash(layer) == hash(cases.make(name))
    assert layer == cases.make(name)


def loss(layer, params, x):
    return jnp.sum(layer.apply({"params": params}, x) ** 2)


gradient = jax.jit(jax.grad(loss, argnums=(1, 2)), static_argnums=0)


@EVERY
def test_recomputing_in_the_backward_pass_changes_nothing(name):
    layer, x = cases.make(name, requires_grad=True), cases.drive(name, SHAPE)
    params = cases.init(layer, jax.random.key(0), x)["params"]
    again = jax.grad(jax.checkpoint(functools.partial(loss, layer)), argnums=(0, 1))
    plain = gradient(layer, params, x)
    jax.tree.map(np.testing.assert_array_equal, jax.jit(again)(params, x), plain)


@EVERY
def test_recomputing_residuals_gives_the_same_gradient(name):
    layer, x = cases.make(name, requires_grad=True), cases.drive(name, SHAPE)
    params = cases.init(layer, jax.random.key(0), x)["params"]
    saved, again = (
        gradient(layer.clone(policy=policy), params, x) for policy in ("save", "recompute")
    )
    for ours, theirs in zip(jax.tree.leaves(again), jax.tree.leaves(saved), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * np.abs(theirs).max())
    with pytest.raises(ValueError, match="`policy` is 'forget', expected one of"):
        cases.make(name, policy="forget").apply({}, x)


@EVERY
def test_traces_are_given_to_those_who_ask_and_change_no_spike(name):
    layer, x = cases.make(name), cases.drive(name, LONG)
    plain = cases.apply(layer, {}, x)
    y, seen = cases.apply(layer, {}, x, mutable=("intermediates",))
    np.testing.assert_array_equal(y, plain)
    traces = set(seen["intermediates"])
    assert traces >= ({"sigma"} if name == "sigma_delta" else set(layer.record.membrane.traces))
    if name in cases.ADAPTING:
        assert traces >= {"threshold", "refractory"}
    assert all(value[0].shape == y.shape for value in seen["intermediates"].values())


@pytest.mark.parametrize("name", cases.SPIKING)
def test_a_graded_spike_carries_what_crossed(name):
    layer, x = cases.make(name), cases.drive(name, LONG)
    plain = np.asarray(cases.apply(layer, {}, x))
    graded = layer.clone(graded_spike=True)
    graded, seen = cases.apply(graded, {}, x, mutable=("intermediates",))
    value = seen["intermediates"][layer.record.watched][0]
    np.testing.assert_array_equal(graded, np.where(plain > 0, value, 0))
    assert plain.any()


@pytest.mark.parametrize("name", cases.SPIKING)
def test_a_read_out_gives_the_state_and_never_spikes(name):
    layer, x = cases.make(name, readout=True), cases.drive(name, LONG)
    y = np.asarray(cases.apply(layer, {}, x))
    assert len(np.unique(y)) > 20
    _, last = cases.apply(layer.clone(persistent_state=True), {}, x, mutable=("state",))
    kept = np.asarray(last["state"][f"{layer.record.value}_state"]) / np.float32(layer.s_scale)
    np.testing.assert_array_equal(y[..., -1], kept)


@EVERY
def test_a_dropped_neuron_is_silent_and_the_others_are_louder(name):
    layer, x = cases.make(name, dropout=0.5), cases.drive(name, LONG)
    key = lambda seed: {"dropout": jax.random.key(seed)}
    train = lambda seed: cases.apply(layer, {}, x, train=True, rngs=key(seed))
    y = np.asarray(train(0))
    silent = ~y.any(axis=-1)
    assert 0.2 < silent.mean() < 0.8
    np.testing.assert_array_equal(train(0), y)
    assert (np.asarray(train(1)) != y).any()
    np.testing.assert_array_equal(cases.apply(layer, {}, x), cases.apply(cases.make(name), {}, x))


@EVERY
@pytest.mark.parametrize("norm", [neuron.MeanOnlyBatchNorm, neuron.WgtScaleBatchNorm])
def test_norms_learn_their_statistics_in_training_only(name, norm):
    layer, x = cases.make(name, norm=norm), cases.drive(name, SHAPE)
    variables = cases.init(layer, jax.random.key(0), x)
    assert set(variables["batch_stats"]) == set(layer.norm_names)
    _, new = cases.apply(layer, variables, x, train=True, mutable=("batch_stats",))
    moved = [np.asarray(leaf).any() for leaf in jax.tree.leaves(new["batch_stats"])]
    assert all(moved)
    _, same = cases.apply(layer, variables, x, mutable=("batch_stats",))
    jax.tree.map(
        np.testing.assert_array_equal, same.get("batch_stats", {}), variables["batch_stats"]
    )


@pytest.mark.parametrize("name", cases.SPIKING)
@pytest.mark.parametrize("shared", [True, False])
def test_what_a_network_file_holds_makes_the_same_neuron(name, shared):
    layer = cases.make(name, shared_param=shared)
    x = cases.drive(name, LONG)
    variables = cases.init(layer, jax.random.key(1), x)
    held = layer.device_params(variables)
    arguments = getattr(neuron, name).neuron_params(held)
    again = getattr(neuron, name).Neuron(**arguments, shared_param=shared)
    made = cases.init(again, jax.random.key(2), x)
    second = again.device_params(made)
    for key, value in held.items():
        np.testing.assert_array_equal(second[key], value)
    np.testing.assert_array_equal(cases.apply(again, made, x), cases.apply(layer, variables, x))


@pytest.mark.parametrize("name", cases.COMPLEX)
def test_periods_and_decays_are_read_back(name):
    module, layer = getattr(neuron, name), cases.make(name)
    np.testing.assert_allclose(module.period(layer, {}), 9.0, rtol=1e-3)
    np.testing.assert_allclose(module.frequency(layer, {}), 1 / 9, rtol=1e-3)
    np.testing.assert_allclose(module.decay(layer, {}), 0.05, atol=3e-4)
    np.testing.assert_allclose(module.lam(layer, {}), -np.log(0.95), atol=4e-4)


@pytest.mark.parametrize("name", cases.COMPLEX)
def test_frequencies_of_channels_are_spaced_over_the_range(name):
    module = getattr(neuron, name)
    x = cases.drive(name, (1, 5, 3))
    layer = cases.make(name, period=(5.0, 80.0), shared_param=False)
    period = module.period(layer, cases.init(layer, jax.random.key(0), x))
    np.testing.assert_allclose(period, 80.0 / 2.0 ** np.arange(5), rtol=5e-3)
    drawn = cases.make(name, period=(5.0, 80.0), shared_param=False, log_init=False)
    period = module.period(drawn, cases.init(drawn, jax.random.key(0), x))
    assert 4.9 < period.min() < period.max() < 81


@EVERY
def test_the_fields_given_are_left_untouched(name):
    fields = {**cases.FIELDS[name], "shared_param": False, "requires_grad": True}
    before = copy.deepcopy(fields)
    layer = getattr(neuron, name).Neuron(**fields)
    cases.init(layer, jax.random.key(0), cases.drive(name, SHAPE))
    assert fields == before


def test_values_of_channels_may_be_given_one_by_one():
    given_values = np.array([0.125, 0.25, 0.5])
    layer = cases.make("cuba", current_decay=given_values, shared_param=False)
    variables = layer.init(jax.random.key(0), cases.drive("cuba", SHAPE))
    np.testing.assert_array_equal(variables["constants"]["current_decay"], given_values)
    assert layer == cases.make("cuba", current_decay=given_values.copy(), shared_param=False)
    assert isinstance(layer.current_decay, parameters.Values)
    with pytest.raises(ValueError, match=r"`current_decay` is an array of \(3,\), expected one"):
        cases.make("cuba", current_decay=given_values).init(
            jax.random.key(0), cases.drive("cuba", SHAPE)
        )
    with pytest.raises(ValueError, match=r"`values` has shape \(3,\), expected.*\(2,\)"):
        layer.init(jax.random.key(0), cases.drive("cuba", (2, 2, 5)))


@EVERY
def test_a_state_of_another_batch_is_refused(name):
    apply, variables = persistent(name)
    _, state = apply(variables, cases.drive(name, SHAPE))
    with pytest.raises(ValueError, match=r"`state` holds .* of shape \(2, 3\), expected.*\(1, 3\)"):
        apply({**variables, **state}, cases.drive(name, (1, 3, STEPS)))


@EVERY
def test_bad_input_is_refused(name):
    layer, x = cases.make(name), cases.drive(name, SHAPE)
    bad = [
        (lambda part: part[0], ValueError, r"`x` has shape \(3, 8\).*expected \[N, C, ..., T\]"),
        (lambda part: part.astype(jnp.int32), TypeError, "`x` has dtype int32, expected a float"),
        (lambda part: part[..., :0], ValueError, "with no time step.*at least 1"),
        (lambda part: part.at[0, 0, 0].set(jnp.nan), ValueError, "`x` holds NaN"),
    ]
    for change, error, message in bad:
        with pytest.raises(error, match=message):
            layer.apply({}, jax.tree.map(change, x))


@pytest.mark.parametrize("name", cases.COMPLEX)
def test_a_complex_neuron_takes_a_pair_or_a_complex_array_and_nothing_else(name):
    layer, (real, imag) = cases.make(name), cases.drive(name, SHAPE)
    spikes = layer.apply({}, (real, imag))
    np.testing.assert_array_equal(layer.apply({}, jax.lax.complex(real, imag)), spikes)
    np.testing.assert_array_equal(layer.apply({}, {"real": real, "imag": imag}), spikes)
    with pytest.raises(TypeError, match=r"`x` is an array of float32, expected a pair"):
        layer.apply({}, real)
    with pytest.raises(ValueError, match=r"`x` has a real part of shape .* expected the same"):
        layer.apply({}, (real, imag[:1]))


@pytest.mark.parametrize("name", ["cuba", "alif", "sigma_delta"])
def test_a_real_neuron_takes_no_pair(name):
    x = cases.drive(name, SHAPE)
    with pytest.raises(TypeError, match="`x` is a tuple of 2, expected one real array"):
        cases.make(name).apply({}, (x, x))
    with pytest.raises(TypeError, match="`x` is an array of complex64, expected one real array"):
        cases.make(name).apply({}, jax.lax.complex(x, x))


BAD_FIELDS = [
    (("rf", "adrf_iz"), {"period": 3.9}, r"`period` is 3.9, expected numbers in \[4, inf\]"),
    (("rf_iz", "adrf"), {"decay": 1.5}, r"`decay` is 1.5, expected numbers in \[0, 1\]"),
    (("rf",), {"period": (5.0, 9.0)}, r"`period` is \(5.0, 9.0\), expected one number"),
    (cases.ADAPTING, {"threshold_step": -0.1}, r"`threshold_step` is -0.1, expected numbers"),
    (cases.ADAPTING, {"refractory_decay": 2.0}, r"`refractory_decay` is 2.0, expected"),
    (cases.SPIKING, {"threshold": 0.001}, "`threshold` is 0.001, expected at least 1 / scale"),
    (cases.SPIKING, {"tau_grad": 0}, "`tau_grad` is 0, expected a number above 0"),
    (("sigma_delta",), {"threshold": -1.0}, "`threshold` is -1.0, expected numbers"),
    (("sigma_delta",), {"activation": "relux"}, "`activation` is 'relux', expected the name"),
    (cases.NAMES, {"shared_param": "all"}, "`shared_param` is 'all', expected one of"),
    (cases.NAMES, {"scale": 0}, "`scale` is 0, expected a whole number"),
    (cases.NAMES, {"implementation": "abacus"}, "`implementation` is 'abacus', expected"),
]


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [(name, changes, message) for names, changes, message in BAD_FIELDS for name in names],
)
def test_bad_fields_are_refused(name, changes, message):
    with pytest.raises(ValueError, match=message):
        cases.make(name, **changes).init(jax.random.key(0), cases.drive(name, SHAPE))
