"""Feedback as one scan: against single steps, and against autodiff of a float model."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import ops
from jslayer.ops.recurrent import run_recurrent
from jslayer.ops.sigma_delta import Delta, SigmaDelta
from jslayer.ops.spike import spike
from jslayer.ops.surrogate import FastSigmoid

STEPS, BATCH, SIZE = 9, 2, 4
SURROGATE = FastSigmoid(slope=2.0)
LEAKS = {"threshold": 1.0, "current_decay": 0.5, "voltage_decay": 0.25}
ADAPTS = {"threshold_step": 0.25, "threshold_decay": 0.25, "refractory_decay": 0.25}
ROTATES = {"threshold": 0.5, "sin_decay": 0.5, "cos_decay": 0.75}
RECORDS = {
    "cuba": (ops.Cuba(surrogate=SURROGATE), LEAKS),
    "alif": (ops.Alif(surrogate=SURROGATE), {**LEAKS, **ADAPTS}),
    "rf": (ops.Rf(surrogate=SURROGATE), ROTATES),
    "rf_iz": (ops.RfIz(surrogate=SURROGATE), ROTATES),
    "sigma_delta": (SigmaDelta(Delta(4096)), {"threshold": 0.125, "bias": 0.0}),
}
PAIRS = ("rf", "rf_iz")


def draw(seed, shape, spread, step=1 / 32):
    """Random numbers on the grid of weights, whose sums are exact."""
    found = np.random.default_rng(seed).normal(0, spread, shape)
    return jnp.asarray(np.round(found / step) * step, jnp.float32)


def problem(name, spread=0.5):
    """Drive and feedback weights for a record, twice for a complex one."""
    x = 0.25 + draw(0, (STEPS, BATCH, SIZE), 0.75)
    weight = draw(1, (SIZE, SIZE), spread)
    if name not in PAIRS:
        return x, weight
    return (
        {"real": x, "imag": draw(2, x.shape, 0.75)},
        {"real": weight, "imag": draw(3, weight.shape, spread)},
    )


def cut(tree, start, stop):
    return jax.tree.map(lambda leaf: leaf[start:stop], tree)


@pytest.mark.parametrize("gained", [False, True])
@pytest.mark.parametrize("name", RECORDS)
def test_one_scan_equals_single_steps_with_the_feedback_by_hand(name, gained):
    dynamics, params = RECORDS[name]
    x, weight = problem(name, 0.25 if name == "sigma_delta" else 0.5)
    gain = jnp.asarray([[0.0, 2.0, 2.0, 1.0]] * BATCH, jnp.float32) if gained else None
    run = jax.jit(lambda x, s, back: run_recurrent(dynamics, params, s, x, weight, back, gain=gain))
    outputs, last = run(x, None, None)
    rows = {n: jnp.full((BATCH, SIZE), v, jnp.float32) for n, v in params.items()}
    constants = dynamics.prepare(rows)
    step = jax.jit(lambda state, drive: dynamics.step(constants, state, drive))
    state = dynamics.init(jnp.zeros((BATCH, SIZE)))
    s = np.zeros((BATCH, SIZE), np.float32)
    found = []
    for t in range(STEPS):
        back = jax.tree.map(lambda w, s=s: (1 if gain is None else gain) * (s @ w.T), weight)
        drive = jax.tree.map(lambda part, b, t=t: part[t] + b, x, back)
        state, out = step(state, drive)
        s = np.asarray(out["spike"])
        found.append(s)
    np.testing.assert_array_equal(outputs["spike"], np.stack(found))
    jax.tree.map(np.testing.assert_array_equal, last, state)
    assert 0 < np.mean(np.stack(found) != 0) < 1
    # and what is fed back goes on over the border of two calls
    first, kept = run(cut(x, 0, 4), None, None)
    second, end = run(cut(x, 4, None), kept, first["spike"][-1])
    np.testing.assert_array_equal(
        np.concatenate([first["spike"], second["spike"]]), outputs["spike"]
    )
    jax.tree.map(np.testing.assert_array_equal, end, last)


def float_cuba(params, x, weight, fed_back, gain):
    """The same neuron in floats, step by step, for autodiff.

    What the reset takes away carries no gradient: the neuron's is that of the filter without it.
    """
    current = voltage = jnp.zeros_like(fed_back)
    s, fired, found = fed_back, 0.0 * fed_back, []
    for t in range(STEPS):
        current = (1 - params["current_decay"]) * current + x[t] + gain * (s @ weight.T)
        voltage = reset((1 - params["voltage_decay"]) * voltage, fired, 0.0) + current
        s = spike(voltage, params["threshold"], surrogate=SURROGATE)
        found.append(s)
        fired = s
    return jnp.stack(found)


def reset(kept, fired, level):
    """``level`` where it fired, with the gradient of ``kept``."""
    return kept + jax.lax.stop_gradient(jnp.where(fired > 0, level - kept, 0.0))


def float_rf_iz(params, x, weight, fed_back, gain):
    """As `float_cuba`, for a resonator with the reset just below the threshold."""
    real = imag = jnp.zeros_like(fed_back)
    sin, cos, threshold = params["sin_decay"], params["cos_decay"], params["threshold"]
    s, fired, found = fed_back, 0.0 * fed_back, []
    for t in range(STEPS):
        below = threshold - 1 / 4096
        real, imag = (
            reset(cos * real - sin * imag, fired, -sin * below)
            + (x["real"][t] + gain * (s @ weight["real"].T)),
            reset(sin * real + cos * imag, fired, cos * below)
            + (x["imag"][t] + gain * (s @ weight["imag"].T)),
        )
        s = spike(imag, threshold, surrogate=SURROGATE)
        found.append(s)
        fired = s
    return jnp.stack(found)


@pytest.mark.parametrize(("name", "model"), [("cuba", float_cuba), ("rf_iz", float_rf_iz)])
def test_gradients_are_those_of_the_float_model(name, model):
    dynamics, params = RECORDS[name]
    x, weight = problem(name)
    fed_back = draw(4, (BATCH, SIZE), 0.5)
    gain = 1.0 + draw(5, (BATCH, SIZE), 0.25)
    cotangent = jnp.asarray(np.random.default_rng(6).normal(size=(STEPS, BATCH, SIZE)), jnp.float32)
    params = jax.tree.map(lambda v: jnp.full((SIZE,), v, jnp.float32), params)

    def ours(params, x, weight, fed_back, gain):
        outputs, _ = run_recurrent(dynamics, params, None, x, weight, fed_back, gain=gain)
        return outputs["spike"]

    def pulled(function):
        def run(*given):
            y, pullback = jax.vjp(function, *given)
            return y, pullback(cotangent)

        return jax.jit(run)(params, x, weight, fed_back, gain)

    spikes, found = pulled(ours)
    expected_spikes, expected = pulled(model)
    np.testing.assert_array_equal(spikes, expected_spikes)
    assert 0.1 < np.mean(spikes) < 0.9

    def close(found, expected):
        # the integers' steps of 1 / 4096 move the surrogate a little
        np.testing.assert_allclose(found, expected, rtol=5e-3, atol=5e-3 * np.abs(expected).max())
        assert np.any(expected)

    jax.tree.map(close, found, expected)


def test_without_feedback_it_is_the_plain_run_with_its_gradients():
    dynamics, params = RECORDS["alif"]
    x, _ = problem("alif")
    none = jnp.zeros((SIZE, SIZE))
    plain = lambda x: ops.run(dynamics, params, None, x)[0]["spike"]
    fed = lambda x: run_recurrent(dynamics, params, None, x, none)[0]["spike"]
    cotangent = draw(7, x.shape, 1.0)
    for function in (plain, fed):
        assert function(x).any()
    np.testing.assert_array_equal(fed(x), plain(x))
    bars = [jax.vjp(function, x)[1](cotangent)[0] for function in (fed, plain)]
    np.testing.assert_allclose(*bars, rtol=1e-5, atol=1e-6)


def equations(jaxpr):
    """All equations of a jaxpr, with those inside of others."""
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from equations(inner)


@pytest.mark.parametrize("name", ["cuba", "rf_iz"])
def test_time_is_walked_once_forward_and_once_back_without_a_matrix_per_step(name):
    dynamics, params = RECORDS[name]
    x, weight = problem(name)
    loss = lambda x, w: jnp.sum(run_recurrent(dynamics, params, None, x, w)[0]["spike"])
    gradient = jax.jit(jax.grad(loss, argnums=(0, 1)))
    found = list(equations(jax.make_jaxpr(gradient)(x, weight).jaxpr))
    scans = [one.params["reverse"] for one in found if one.primitive.name == "scan"]
    assert scans == [False, True]
    largest = max(v.aval.size for one in found for v in one.outvars if hasattr(v.aval, "size"))
    assert largest <= STEPS * BATCH * SIZE * SIZE // 2
    text = gradient.lower(x, weight).compile().as_text()
    assert f"[{STEPS},{SIZE},{SIZE}]" not in text
    assert f"[{STEPS},{BATCH},{SIZE},{SIZE}]" not in text


def test_a_second_call_of_the_same_shapes_traces_nothing():
    traces = []

    @functools.partial(jax.jit, static_argnums=0)
    def run(dynamics, x, weight):
        traces.append(1)
        return run_recurrent(dynamics, LEAKS, None, x, weight)

    x, weight = problem("cuba")
    run(ops.Cuba(surrogate=FastSigmoid(2.0)), x, weight)
    run(ops.Cuba(surrogate=FastSigmoid(2.0)), x + 1, weight)
    assert len(traces) == 1


X, WEIGHT = problem("cuba")
BAD = {
    "rank": ({"x": X[0]}, ValueError, r"`x` has shape \(2, 4\).*expected \[T, N, C\]"),
    "dtype": ({"x": X.astype(jnp.int32)}, TypeError, "`x` has dtype int32"),
    "no step": ({"x": X[:0]}, ValueError, "no time step"),
    "NaN": ({"x": X.at[0, 0, 0].set(jnp.nan)}, ValueError, "`x` holds NaN"),
    "weight": ({"weight": WEIGHT[:2]}, ValueError, r"`weight` has shape \(2, 4\).*\(4, 4\)"),
    "parts": ({"weight": {"real": WEIGHT}}, ValueError, "one matrix for each part"),
    "feedback": ({"fed_back": jnp.zeros((1, 4))}, ValueError, r"`fed_back` has shape \(1, 4\)"),
    "state": (
        {"state": ops.Cuba().init(jnp.zeros((1, 4)))},
        ValueError,
        r"`state` has shape \(1, 4\)",
    ),
    "params": ({"params": {**LEAKS, "voltage_decay": 2.0}}, ValueError, "`voltage_decay` is 2"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_refused(name):
    changes, error, message = BAD[name]
    given = {"params": LEAKS, "state": None, "x": X, "weight": WEIGHT, **changes}
    with pytest.raises(error, match=message):
        run_recurrent(ops.Cuba(), **given)
