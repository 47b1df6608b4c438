"""States up to the ends of int32 are exact and stop there: steps against Python's integers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jslayer import ops
from jslayer.ops import fixed_point
from jslayer.ops.engines import select
from tests.ops import integers
from tests.ops.integers import HIGH, LOW

RECORDS = {
    "cuba": ops.Cuba(),
    "alif": ops.Alif(),
    "rf": ops.Rf(),
    "rf_iz": ops.RfIz(),
    "adrf": ops.Adrf(),
    "adrf_iz": ops.AdrfIz(),
}
WHOLE = st.one_of(
    st.integers(LOW, HIGH),
    st.sampled_from([LOW, LOW + 1, -4097, -4096, -1, 0, 1, 4095, 4096, 2**24 + 1, HIGH - 1, HIGH]),
)
FRACTION = st.one_of(st.integers(0, 4096), st.sampled_from([0, 1, 4095, 4096]))
ROTATION = st.integers(-4096, 4096)


@functools.cache
def stepper(record):
    return jax.jit(record.step)


def constants_of(name, draw):
    drawn = {"level": draw(st.integers(1, 2**24)), "rest": draw(st.integers(1, 2**24))}
    drawn["jump"] = draw(st.integers(0, 2**20))
    names = ("keep_current", "keep_voltage", "keep_threshold", "keep_refractory")
    drawn |= {n: draw(FRACTION) for n in names}
    drawn |= {n: draw(ROTATION) for n in ("sin", "cos")}
    keys = RECORDS[name].prepare({n: jnp.float32(0.5) for n in RECORDS[name].parameters})
    return {key: drawn[key] for key in keys}


@pytest.mark.parametrize("name", RECORDS)
@settings(max_examples=150)
@given(data=st.data())
def test_a_step_from_any_int32_state_equals_that_of_python_s_integers(name, data):
    record = RECORDS[name]
    constants = constants_of(name, data.draw)
    rest = record.init(jnp.zeros(()))
    state = {n: data.draw(WHOLE, label=n) for n in rest}
    if LOW in state.values() and {-4096, 4096} & {constants.get("sin"), constants.get("cos")}:
        return  # the one product that int32 cannot hold, or its negative
    pair = record.membrane.complex_input
    # 24 bits are exact as floats; and up to the ends of int32
    small = [data.draw(st.integers(-(2**23), 2**23)) for _ in range(2 if pair else 1)]
    drive = [value << data.draw(st.sampled_from([0, 0, 7])) for value in small]
    expected, spike = integers.step(name, state, drive if pair else drive[0], constants)
    as_float = [jnp.float32(value / 4096) for value in drive]
    x = {"real": as_float[0], "imag": as_float[1]} if pair else as_float[0]
    int32 = lambda tree: {n: jnp.asarray(np.int32(v)) for n, v in tree.items()}
    after, outputs = stepper(record)(int32(constants), int32(state), x)
    assert {n: int(v) for n, v in after.items()} == expected
    assert bool(outputs["spike"]) == spike


@settings(max_examples=300)
@given(value=WHOLE, a=WHOLE, b=WHOLE)
@example(HIGH, HIGH, HIGH)
@example(LOW, LOW, LOW)
@example(-1, LOW, HIGH)
def test_comparing_with_a_sum_cannot_overflow(value, a, b):
    found = jax.jit(fixed_point.reaches_sum)(*(jnp.int32(v) for v in (value, a, b)))
    assert bool(found) == (value >= a + b)


@pytest.mark.parametrize("phase", [False, True])
@settings(max_examples=80)
@given(data=st.data())
def test_the_adaptive_threshold_alone_is_exact_too(phase, data):
    record = ops.AdaptiveThreshold(phase=phase)
    constants = {
        "rest": data.draw(st.integers(0, 2**24)),
        "jump": data.draw(st.integers(0, 2**20)),
        "keep_threshold": data.draw(FRACTION),
        "keep_refractory": data.draw(FRACTION),
    }
    state = {"adaptation": data.draw(WHOLE), "refractory": data.draw(WHOLE)}
    state |= {"imag": data.draw(WHOLE)} if phase else {}
    values = [data.draw(st.integers(-(2**23), 2**23)) for _ in range(2)]
    adapted = integers.decay(state, constants)
    level = integers.total(adapted["adaptation"], constants["rest"]) + adapted["refractory"]
    spike = values[0] >= level and (not phase or (values[1] >= 0 and state["imag"] < 0))
    expected = integers.jump(adapted, constants) if spike else adapted
    expected |= {"imag": values[1]} if phase else {}
    real, imag = (jnp.float32(value / 4096) for value in values)
    int32 = lambda tree: {n: jnp.asarray(np.int32(v)) for n, v in tree.items()}
    x = {"real": real, "imag": imag} if phase else real
    after, outputs = stepper(record)(int32(constants), int32(state), x)
    assert {n: int(v) for n, v in after.items()} == expected
    assert bool(outputs["spike"]) == spike


def test_states_keep_growing_past_2_24_without_losing_units():
    record, steps = ops.LeakyIntegrator(), 300
    x = jnp.full((steps, 1), 1700.0 + 1 / 4096)
    _, last = ops.run(record, {"decay": 0.0}, None, x)
    unit = int(np.float32(1700.0 + 1 / 4096) * 4096)
    assert int(last["y"][0]) == steps * unit
    assert steps * unit > 2**30


def test_states_stop_at_the_ends_of_int32_on_every_engine():
    # 128 units a step, and more than a hundred of them stay: int32 ends at 524,288 units
    x = jnp.full((300, 128), 128.0).at[:, ::2].multiply(-1)
    params = {"current_decay": 41 / 4096, "voltage_decay": 41 / 4096}
    record, end = ops.Cuba(readout=True), 2.0**31 / 4096
    for implementation in ("scan", *select.interpreted()):
        found, _ = ops.run(record, params, None, x, implementation=implementation)
        voltage = np.asarray(found["voltage"])
        assert (np.diff(np.abs(voltage), axis=0) >= 0).all()
        np.testing.assert_array_equal(voltage[-1, :2], [-end, end])


def test_gradients_pass_a_state_that_stopped():
    params = {"current_decay": 0.0, "voltage_decay": 0.0}

    def voltage(x):
        return ops.run(ops.Cuba(readout=True), params, None, x)[0]["voltage"][-1, 0]

    gradient = jax.grad(voltage)(jnp.full((50, 1), 5e4))
    np.testing.assert_array_equal(gradient[:, 0], np.arange(50, 0, -1))
