"""The entry to the engines: bad input, own dynamics, and calls that continue each other."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jslayer.ops import Cuba, Dynamics, LeakyIntegrator, implementations, run
from jslayer.ops.engines import scan as scan_engine

X = jnp.ones((4, 2, 3))
DECAY = {"decay": jnp.float32(0.5)}


def integrate(params=DECAY, state=None, x=X, **options):
    return run(LeakyIntegrator(), params, state, x, **options)


def test_an_input_without_a_time_axis_is_refused():
    with pytest.raises(ValueError, match=r"`x` has shape \(\).*expected \[T, \*neurons\]"):
        integrate(x=jnp.float32(1))


def test_integer_input_is_refused():
    with pytest.raises(TypeError, match="`x` has dtype int32, expected a floating-point array"):
        integrate(x=X.astype(jnp.int32))


def test_input_without_time_steps_is_refused():
    with pytest.raises(ValueError, match=r"`x` has shape \(0, 2, 3\).*expected at least 1"):
        integrate(x=X[:0])


def test_a_parameter_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"`decay` has shape \(4,\), expected.* \(2, 3\)"):
        integrate({"decay": jnp.full(4, 0.5)})


def test_a_parameter_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="`decay` holds NaN, expected numbers"):
        integrate({"decay": jnp.array([0.5, jnp.nan, 0.5])})


@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_a_decay_outside_of_zero_to_one_is_refused(value):
    with pytest.raises(ValueError, match=rf"`decay` is {value}.*expected numbers in \[0, 1\]"):
        integrate({"decay": np.float64(value)})
    for name in ("current_decay", "voltage_decay"):
        params = {"current_decay": 0.5, "voltage_decay": 0.5, "threshold": 1.0, name: value}
        with pytest.raises(ValueError, match=rf"`{name}` is {value}.*expected"):
            run(Cuba(), params, None, X)


def test_one_bad_decay_among_many_is_refused():
    with pytest.raises(ValueError, match=r"`decay` is an array of \(2, 3\) from 0.5 to 1.5"):
        integrate({"decay": jnp.full((2, 3), 0.5).at[1, 2].set(1.5)})


def test_a_state_of_another_batch_is_refused():
    _, state = integrate()
    with pytest.raises(ValueError, match=r"`state` has shape \(2, 3\), expected .*\(5, 3\)"):
        integrate(state=state, x=jnp.ones((4, 5, 3)))


def test_an_unknown_implementation_is_refused_and_the_known_ones_listed():
    with pytest.raises(ValueError, match=r"`implementation` is 'abacus', expected .*'scan'"):
        integrate(implementation="abacus")


def test_every_implementation_that_is_listed_runs():
    for name in implementations():
        outputs, _ = integrate(implementation=name)
        np.testing.assert_array_equal(outputs["y"][:, 0, 0], [1, 1.5, 1.75, 1.875])


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_is_computed_in_single_precision(dtype):
    x = jnp.full((3, 2), 20, dtype)  # 20 * 4096 is more than half precision can hold
    total = lambda x: jnp.sum(integrate(x=x)[0]["y"])
    np.testing.assert_array_equal(total(x), total(x.astype(jnp.float32)))
    assert jax.grad(total)(x).dtype == dtype


@dataclasses.dataclass(frozen=True)
class Oscillator(Dynamics):
    """Two float states that turn into each other; smooth, without an adjoint of its own."""

    gain: float = 0.9

    def init(self, like):
        return {"a": jnp.zeros_like(like), "b": jnp.zeros_like(like)}

    def prepare(self, params):
        return {"cos": jnp.cos(params["angle"]), "sin": jnp.sin(params["angle"])}

    def step(self, constants, state, x):
        a = self.gain * (constants["cos"] * state["a"] - constants["sin"] * state["b"]) + x
        b = self.gain * (constants["sin"] * state["a"] + constants["cos"] * state["b"])
        return {"a": a, "b": b}, {"y": jnp.tanh(a), "b": b}


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_the_automatic_adjoint_is_the_gradient_of_a_plain_scan(shape):
    dynamics = Oscillator()
    rng = np.random.default_rng(0)
    normal = lambda *size: jnp.asarray(rng.normal(size=size), jnp.float32)
    angle, x = jnp.abs(normal(*shape)), normal(10, 2, 3)
    state = {"a": normal(2, 3), "b": normal(2, 3)}
    weight = {"y": normal(10, 2, 3), "b": normal(10, 2, 3)}
    final = {"a": normal(2, 3), "b": normal(2, 3)}
    pair = lambda w, v: sum(jnp.sum(w[name] * v[name]) for name in w)

    def with_engine(angle, state, x):
        outputs, last = run(dynamics, {"angle": angle}, state, x)
        return pair(weight, outputs) + pair(final, last)

    def with_scan(angle, state, x):
        constants = dynamics.prepare({"angle": angle})
        last, outputs = jax.lax.scan(lambda s, v: dynamics.step(constants, s, v), state, x)
        return pair(weight, outputs) + pair(final, last)

    found = jax.jit(jax.value_and_grad(with_engine, (0, 1, 2)))(angle, state, x)
    expected = jax.jit(jax.value_and_grad(with_scan, (0, 1, 2)))(angle, state, x)
    jax.tree.map(
        lambda f, e: np.testing.assert_allclose(f, e, rtol=1e-4, atol=1e-5), found, expected
    )


def test_integer_states_take_no_gradient_but_do_not_stop_the_others():
    _, state = integrate()
    loss = lambda params, x: jnp.sum(integrate(params, state, x)[0]["y"])
    decay_bar, x_bar = jax.grad(loss, (0, 1))(DECAY, X)
    assert decay_bar["decay"] < 0
    np.testing.assert_array_equal(x_bar[:, 0, 0], [1.875, 1.75, 1.5, 1])


STEPS = 9
leaky = jax.jit(lambda p, s, x: run(LeakyIntegrator(reset=True), p, s, x))
cuba = jax.jit(lambda p, s, x: run(Cuba(trace=True), p, s, x))
CASES = {
    "leaky integrator": (leaky, {"decay": 0.125, "threshold": 1.0}),
    "cuba": (cuba, {"current_decay": 0.3, "voltage_decay": 0.1, "threshold": 1.0}),
}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=30)
@given(cuts=st.sets(st.integers(1, STEPS - 1)), seed=st.integers(0, 2**16))
def test_calls_over_parts_equal_one_call_bit_for_bit(name, cuts, seed):
    function, params = CASES[name]
    params = {key: jnp.float32(value) for key, value in params.items()}
    x = jnp.asarray(np.random.default_rng(seed).normal(0.3, 0.7, (STEPS, 2, 3)), jnp.float32)
    rest = jax.tree.map(lambda v: jnp.zeros_like(v), function(params, None, x)[1])
    whole, last = function(params, rest, x)
    parts, state = [], rest
    for piece in np.split(np.asarray(x), sorted(cuts)):
        outputs, state = function(params, state, piece)
        parts.append(outputs)
    joined = jax.tree.map(lambda *v: np.concatenate(v), *parts)
    jax.tree.map(np.testing.assert_array_equal, joined, dict(whole))
    jax.tree.map(np.testing.assert_array_equal, state, last)


def test_gradients_need_not_be_asked_for_to_get_the_same_spikes():
    params = {"current_decay": 0.3, "voltage_decay": 0.1, "threshold": 1.0}
    x = jnp.asarray(np.random.default_rng(1).normal(0.3, 0.7, (20, 4)), jnp.float32)
    spikes = lambda x: run(Cuba(), params, None, x)[0]["spike"]
    with_residuals, _ = jax.vjp(spikes, x)
    assert spikes(x).any()
    np.testing.assert_array_equal(with_residuals, spikes(x))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_drive_that_is_no_number_is_refused(value):
    x = jnp.full((3, 2), value, jnp.float32)
    with pytest.raises(ValueError, match="`x` holds NaN or infinity, expected finite numbers"):
        run(LeakyIntegrator(), {"decay": 0.5}, None, x)


@pytest.mark.parametrize("threshold", [-1.0, 0.0])
def test_a_reset_without_a_threshold_above_zero_is_refused(threshold):
    params = {"decay": 0.5, "threshold": threshold}
    with pytest.raises(ValueError, match=r"`threshold` is .* expected numbers in"):
        run(LeakyIntegrator(reset=True), params, None, jnp.ones((3, 2)))


def test_dynamics_with_an_array_in_a_field_are_refused():
    record = Cuba(s_scale=np.ones(2))
    params = {"threshold": 1.0, "current_decay": 0.1, "voltage_decay": 0.1}
    with pytest.raises(TypeError, match=r"`dynamics` is .*, whose fields cannot be hashed"):
        run(record, params, None, jnp.ones((3, 2)))


def test_a_call_outside_of_jit_compiles_once():
    params = {"threshold": 1.0, "current_decay": 0.1, "voltage_decay": 0.1}
    call = lambda s_scale: run(Cuba(s_scale=s_scale), params, None, jnp.ones((3, 2)))
    call(1 << 11)
    before = scan_engine.run._cache_size()
    call(1 << 11)
    assert scan_engine.run._cache_size() == before
    call(1 << 10)
    assert scan_engine.run._cache_size() == before + 1
