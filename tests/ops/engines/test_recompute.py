"""Policy "recompute": the same gradient as "save", from fewer kept arrays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import ops
from jslayer.ops.engines import recompute
from tests.ops.engines.cases import BY_NAME, DYNAMICS
from tests.ops.engines.compare import ENGINES, close, equal


def pulled(case, steps, neurons, policy, implementation="scan"):
    """Outputs, last state and all gradients, with a cotangent on every output."""
    params, x = case.rows(neurons), case.inputs(steps, neurons)
    state = case.dynamics.init(jnp.zeros(neurons, jnp.float32))
    learned = lambda leaf: leaf.dtype == jnp.float32
    whole = jax.tree.map(lambda leaf: None if learned(leaf) else leaf, state)
    state = jax.tree.map(lambda leaf: leaf + 0.3 if learned(leaf) else None, state)

    def loss(params, state, x):
        full = jax.tree.map(
            lambda a, b: b if a is None else a, state, whole, is_leaf=lambda leaf: leaf is None
        )
        outputs, last = ops.run(
            case.dynamics, params, full, x, policy=policy, implementation=implementation
        )
        ends = [jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(last) if learned(leaf)]
        return sum(jnp.sum(jnp.sin(y)) for y in outputs.values()) + sum(ends), (outputs, last)

    return jax.jit(jax.grad(loss, (0, 1, 2), has_aux=True))(params, state, x)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(c.name, marks=() if c.name in ("cuba traced", "nested") else pytest.mark.slow)
        for c in DYNAMICS
    ],
)
def test_it_gives_the_same_bits_as_saving(name):
    equal(
        pulled(BY_NAME[name], 11, 5, "recompute"),
        pulled(BY_NAME[name], 11, 5, "save"),
    )


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 16, 17, 30])
def test_any_number_of_steps_will_do(steps):
    # not bit for bit: XLA drops a loop of one step, and contracts what stood in it otherwise
    case = BY_NAME["automatic adjoint"]
    close(pulled(case, steps, 3, "recompute"), pulled(case, steps, 3, "save"))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_chunks_run_on_the_kernel_too(engine):
    case = BY_NAME["automatic adjoint"]
    close(pulled(case, 11, 130, "recompute", engine), pulled(case, 11, 130, "save"))


@pytest.mark.parametrize("steps", range(1, 50))
def test_chunks_are_the_root_or_a_near_divisor_which_leaves_no_steps_over(steps):
    length, root = recompute.chunk_length(steps), next(r for r in range(50) if steps <= r**2)
    near = [size for size in range(max(2, root // 2), 2 * root + 1) if steps % size == 0]
    if near:
        assert length in near
        assert max(length, steps // length) == min(max(size, steps // size) for size in near)
    else:
        assert length == root


def test_it_keeps_the_input_and_the_root_of_the_states():
    case, steps, neurons = BY_NAME["cuba"], 100, 7
    params, x = case.rows(neurons), case.inputs(steps, neurons)

    def kept(policy):
        run = lambda params, x: ops.run(case.dynamics, params, None, x, policy=policy)[0]
        _, pullback = jax.vjp(run, params, x)
        sizes = [leaf.size for leaf in jax.tree.leaves(pullback) if leaf.size >= neurons]
        return sum(sizes) / neurons - len(params)

    assert kept("save") == 2 * steps  # current and voltage
    assert kept("recompute") == steps + 2 * (10 + 1)  # input; ten chunks, and the end


def test_an_unknown_policy_is_refused_and_the_known_ones_listed():
    with pytest.raises(ValueError, match="`policy` is 'forget', expected one of 'save', 'recomp"):
        ops.run(ops.LeakyIntegrator(), {"decay": 0.5}, None, jnp.ones(3), policy="forget")


def test_without_a_gradient_it_is_no_different():
    case, x = BY_NAME["cuba"], BY_NAME["cuba"].inputs(9, 4)
    run = lambda policy: ops.run(case.dynamics, case.rows(4), None, x, policy=policy)
    jax.tree.map(np.testing.assert_array_equal, run("recompute"), run("save"))
