"""Derivatives of gradients: against differences of the gradient, and a float model by autodiff."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import ops
from jslayer.ops.recurrent import run_recurrent
from tests.ops.engines import cases

STEPS, NEURONS = 8, 3
GRID = 1 / 64
STEP = 1 / 1024
FINE = {"s_scale": 2**20}
"""States so fine that a gradient moves smoothly with what it depends on."""

INTEGERS = ("nested",)
"""Dynamics of a test whose residuals are integers."""


def product(function, at, along):
    """Hessian times a vector, forward over reverse."""
    return jax.jvp(jax.grad(function), (at,), (along,))[1]


def fine(dynamics):
    """The dynamics with finer states and levels."""
    if isinstance(dynamics, ops.SigmaDelta):
        return dataclasses.replace(dynamics, delta=fine(dynamics.delta))
    if isinstance(dynamics, ops.Delta):
        return dataclasses.replace(dynamics, scale=2**20)
    return dataclasses.replace(dynamics, **FINE) if hasattr(dynamics, "s_scale") else dynamics


def arguments(case):
    """Parameters on a grid and inputs: no neuron spikes, and every delta is sent."""
    params = {n: jnp.round(v / GRID) * GRID for n, v in case.rows(NEURONS).items()}
    x = jax.tree.map(lambda leaf: 0.05 * leaf, case.inputs(STEPS, NEURONS))
    if isinstance(case.dynamics, ops.Delta | ops.SigmaDelta):
        up_and_down = jnp.arange(STEPS, dtype=jnp.float32)[:, None] % 2
        x = x + (2 * up_and_down - 0.5)
    return {"params": params, "x": x}


def directions(dynamics, given):
    """A step of the grid for parameters, since decays lie on one, and small numbers for inputs.

    An adaptive threshold that does not learn counts as given: it stays where it is.
    """
    signs = {n: (-1.0) ** k for k, n in enumerate(sorted(given["params"]))}
    if getattr(dynamics, "adaptive", False) and not dynamics.threshold_grad:
        signs |= dict.fromkeys(cases.ADAPTIVE, 0.0) | {"threshold": 0.0}
    params = {n: jnp.full_like(v, STEP * signs[n]) for n, v in given["params"].items()}
    x = jax.tree.map(
        lambda leaf: 0.001 * jnp.cos(jnp.arange(leaf.size * 1.0).reshape(leaf.shape)), given["x"]
    )
    return {"params": params, "x": x}


def loss_of(dynamics, policy="save"):
    """Linear in the outputs."""

    def loss(given):
        outputs, _ = ops.run(dynamics, given["params"], None, given["x"], policy=policy)
        weight = jnp.cos(jnp.arange(STEPS * 1.0))[:, None]
        return sum(jnp.sum(weight * outputs[name]) for name in sorted(outputs))

    return loss


@pytest.mark.parametrize("policy", ["save", "recompute"])
@pytest.mark.parametrize("name", [n for n in cases.BY_NAME if n not in INTEGERS])
def test_a_hessian_times_a_vector_is_the_difference_of_two_gradients(name, policy):
    case = cases.BY_NAME[name]
    given = arguments(case)
    along = directions(case.dynamics, given)
    loss = loss_of(fine(case.dynamics), policy)
    gradient = jax.jit(jax.grad(loss))
    moved = [
        gradient(jax.tree.map(lambda a, b, s=sign: a + s * b, given, along)) for sign in (1.0, -1.0)
    ]
    expected = jax.tree.map(lambda a, b: (a - b) / 2, *moved)
    found = jax.jit(lambda at: product(loss, at, along))(given)
    for path, leaf in jax.tree_util.tree_leaves_with_path(expected):
        own = found
        for key in path:
            own = own[key.key]
        error, size = np.linalg.norm(own - leaf), np.linalg.norm(leaf)
        assert error <= 0.02 * size + 2e-5, (path, own, leaf)
    norms = [np.linalg.norm(leaf) for leaf in jax.tree.leaves(expected)]
    assert max(norms) > 1e-3 or name in ("sigma", "threshold")  # linear while nothing spikes


def pair(a, b):
    """The sum of all products."""
    return sum(jnp.sum(u * v) for u, v in zip(*map(jax.tree.leaves, (a, b)), strict=True))


def agree(loss, given, *, rtol=1e-3):
    """Reverse over reverse is the transpose of forward over reverse.

    Surrogates need not be the gradient of any function: then the Hessian is not symmetric.
    """
    wave = lambda f: jax.tree.map(
        lambda leaf: f(jnp.arange(leaf.size * 1.0)).reshape(leaf.shape), given
    )
    along, other = wave(jnp.cos), wave(jnp.sin)

    @jax.jit
    def both(at):
        forward = product(loss, at, along)
        reverse = jax.grad(lambda at: pair(jax.grad(loss)(at), other))(at)
        return pair(forward, other), pair(reverse, along)

    forward, reverse = both(given)
    assert abs(float(forward)) > 1e-4
    np.testing.assert_allclose(forward, reverse, rtol=rtol)


@pytest.mark.parametrize("name", [n for n in cases.BY_NAME if n not in (*INTEGERS, "sigma")])
def test_reverse_over_reverse_is_forward_over_reverse_of_neurons_that_spike(name):
    case = cases.BY_NAME[name]

    def loss(given):
        outputs, _ = ops.run(case.dynamics, given["params"], None, given["x"])
        return sum(jnp.sum(jnp.sin(value)) for value in outputs.values())

    agree(loss, {"params": case.rows(NEURONS), "x": case.inputs(STEPS, NEURONS)})


def test_second_derivatives_of_neurons_that_spike_are_those_of_the_float_model():
    surrogate = ops.surrogate.Gaussian(0.5)
    dynamics = ops.Cuba(s_scale=2**20, surrogate=surrogate)

    @jax.custom_jvp
    def soft(v, theta):
        return (v >= theta).astype(jnp.float32)

    @soft.defjvp
    def _soft_jvp(primals, tangents):
        return soft(*primals), surrogate(*primals) * (tangents[0] - tangents[1])

    def model(given):
        p = given["params"]

        def step(carry, x):
            u, v = carry
            u = (1 - p["current_decay"]) * u + x
            v = (1 - p["voltage_decay"]) * v + u
            s = soft(v, p["threshold"])
            # the reset changes the value and has no derivative
            after = jnp.where(s > 0, 0.0, v)
            return (u, v + jax.lax.stop_gradient(after - v)), s

        # no scan: JAX 0.10 loses the tangent of such a function's value in one
        carry, spikes = (jnp.zeros(NEURONS), jnp.zeros(NEURONS)), []
        for x in given["x"]:
            carry, s = step(carry, x)
            spikes.append(s)
        return jnp.sum(jnp.stack(spikes) ** 2)

    def ours(given):
        return jnp.sum(ops.run(dynamics, given["params"], None, given["x"])[0]["spike"] ** 2)

    params = {"current_decay": 0.25, "voltage_decay": 0.0625, "threshold": 1.0}
    params = {n: jnp.full(NEURONS, v) for n, v in params.items()}
    # decays of states before the reset enter the stated gradient: hold them for this comparison
    given, x = {"params": params}, cases.real(STEPS, NEURONS)
    hold = lambda f: lambda x: f({**given, "x": x})
    assert float(ours({**given, "x": x})) > 3
    found = jax.jit(jax.hessian(hold(ours)))(x)
    np.testing.assert_allclose(found, jax.jit(jax.hessian(hold(model)))(x), rtol=2e-3, atol=2e-3)


def test_second_derivatives_pass_from_one_call_to_the_next():
    dynamics = ops.across_calls.AcrossCalls(ops.Cuba(readout=True))
    params = {"current_decay": jnp.float32(0.25), "voltage_decay": jnp.float32(0.0625)}
    x = cases.real(STEPS, NEURONS)

    def whole(params, x):
        return ops.run(dynamics, params, None, x)[0]["voltage"]

    def halves(params, x):
        first, state = ops.run(dynamics, params, None, x[: STEPS // 2])
        second, _ = ops.run(dynamics, params, state, x[STEPS // 2 :])
        return jnp.concatenate([first["voltage"], second["voltage"]])

    found = [
        jax.jit(jax.hessian(lambda p, f=f: jnp.sum(f(p, x) ** 3)))(params) for f in (whole, halves)
    ]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), *found)


@pytest.mark.parametrize("name", ["cuba", "alif learning", "rf", "sigma-delta"])
def test_recurrent_runs_agree_in_both_orders_and_with_no_feedback_are_plain_ones(name):
    case = cases.BY_NAME[name]
    rows = {n: v[None] for n, v in case.rows(NEURONS).items()}
    x = jax.tree.map(lambda leaf: leaf[:, None], case.inputs(STEPS, NEURONS))
    matrix = 0.3 * jnp.cos(jnp.arange(NEURONS**2 * 1.0)).reshape(NEURONS, NEURONS)
    given = {"params": rows, "x": x, "weight": jax.tree.map(lambda _: matrix, x)}

    def loss(given):
        outputs, _ = run_recurrent(
            case.dynamics, given["params"], None, given["x"], given["weight"]
        )
        return jnp.sum(jnp.sin(outputs["spike"]))

    def plain(given):
        outputs, _ = ops.run(case.dynamics, given["params"], None, given["x"])
        return jnp.sum(jnp.sin(outputs["spike"]))

    agree(loss, given)
    along = jax.tree.map(jnp.cos, given)
    alone = {"params": rows, "x": x}
    none = lambda given: loss({**given, "weight": jax.tree.map(lambda _: 0 * matrix, x)})
    some = {n: along[n] for n in alone}
    for one, other in zip(
        *(
            jax.tree.leaves(jax.jit(lambda at, f=f: product(f, at, some))(alone))
            for f in (none, plain)
        ),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_integer_residuals_of_a_dynamics_are_refused_by_name():
    case = cases.BY_NAME["nested"]
    loss = loss_of(case.dynamics)
    given = arguments(case)
    with pytest.raises(NotImplementedError, match="Second derivatives of Counter are not known"):
        product(loss, given, given)


def test_a_choice_of_residuals_without_tangents_is_refused_by_name():
    @dataclasses.dataclass(frozen=True)
    class Own(cases.Oscillator):
        def step_with_residuals(self, constants, state, x):
            return super().step_with_residuals(constants, state, x)

    given = arguments(cases.BY_NAME["automatic adjoint"])
    with pytest.raises(NotImplementedError, match="write `residual_tangents`"):
        product(loss_of(Own()), given, given)


def test_forward_mode_says_what_to_do_and_jvp_does_it():
    x = cases.real(STEPS, NEURONS)
    params = {"current_decay": 0.25, "voltage_decay": 0.0625}

    def voltage(x):
        return ops.run(ops.Cuba(readout=True), params, None, x)[0]["voltage"]

    with pytest.raises(TypeError, match=r"use `jslayer.ops.jvp`"):
        jax.jvp(voltage, (x,), (x,))
    value, along = jax.jit(lambda x: ops.jvp(voltage, (x,), (x,)))(x)
    np.testing.assert_allclose(along, value, atol=0.01)  # linear, but for what is cut
    with pytest.raises(TypeError, match=r"use `jslayer.ops.jvp`"):
        weight = jnp.eye(NEURONS)
        jax.jvp(
            lambda x: run_recurrent(
                ops.Cuba(readout=True), params, None, x, weight, output="voltage"
            )[0]["voltage"],
            (x[:, None],),
            (x[:, None],),
        )


@pytest.mark.parametrize("policy", ["save", "recompute"])
def test_second_derivatives_reach_the_first_state_where_it_is_of_floats(policy):
    dynamics, params = cases.Oscillator(), {"angle": jnp.float32(1.0)}
    x = cases.real(STEPS, NEURONS)

    def loss(state):
        return jnp.sum(ops.run(dynamics, params, state, x, policy=policy)[0]["y"] ** 2)

    def model(state):
        total = 0.0
        for now in x:
            state, outputs = dynamics.step(dynamics.prepare(params), state, now)
            total += jnp.sum(outputs["y"] ** 2)
        return total

    state = {"a": jnp.full(NEURONS, 0.3), "b": jnp.full(NEURONS, -0.2)}
    found, expected = (jax.jit(jax.hessian(f))(state) for f in (loss, model))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found, expected
    )
