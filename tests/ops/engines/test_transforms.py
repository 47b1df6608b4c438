"""Engines under `vmap`, `grad`, `jit` of meshes and `shard_map`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import ops
from jslayer.ops.engines import select
from tests.ops.engines.cases import BY_NAME
from tests.ops.engines.compare import ENGINES, close, equal
from tests.ops.engines.lowering import kernels, lowered

STEPS, BATCH, NEURONS = 5, 4, 6
CASE = BY_NAME["cuba traced"]
P = jax.P


def function(implementation):
    """Outputs and last state; then loss and gradients to parameters and input."""

    def outputs(params, x):
        return ops.run(CASE.dynamics, params, None, x, implementation=implementation)

    def loss(params, x):
        return sum(jnp.sum(jnp.sin(y)) for y in outputs(params, x)[0].values())

    return outputs, jax.grad(loss, (0, 1))


def arrays(*shape):
    x = CASE.inputs(STEPS, int(np.prod(shape))).reshape(STEPS, *shape)
    return CASE.rows(NEURONS), x


def stacked(params):
    return jax.tree.map(lambda row: jnp.stack([row, 0.75 * row, 0.5 * row]), params)


def mapped(axes, engine):
    """Outputs, last state and gradients of a mapped engine."""
    params, x = arrays(NEURONS)
    params = params if axes[0] is None else stacked(params)
    x = x if axes[1] is None else jnp.stack([x, x + 0.1, x - 0.1], axes[1])
    run, gradient = function(engine)
    both = lambda params, x: (run(params, x), gradient(params, x))
    return jax.jit(jax.vmap(both, axes))(params, x)


mapped_scan = functools.cache(functools.partial(mapped, engine="scan"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "axes",
    [(None, 1), *(pytest.param(a, marks=pytest.mark.slow) for a in ((0, None), (0, 2)))],
)
def test_mapped_engines_equal_mapped_scan(axes, engine):
    outputs, gradients = mapped(axes, engine)
    expected_outputs, expected_gradients = mapped_scan(axes)
    equal(outputs, expected_outputs)
    close(gradients, expected_gradients)


@pytest.mark.parametrize("engine", ENGINES)
def test_states_carry_their_gradient_through_the_kernel(engine):
    dynamics, params = BY_NAME["automatic adjoint"].dynamics, {"angle": jnp.float32(0.7)}
    x = CASE.inputs(7, 9)

    def loss(params, state, x, implementation):
        run = lambda state, x: ops.run(dynamics, params, state, x, implementation=implementation)
        head, state = run(state, x[:3])
        tail, state = run(state, x[3:])
        return jnp.sum(head["y"]) + jnp.sum(tail["b"] ** 2) + jnp.sum(state["a"])

    state = {"a": x[0], "b": x[1]}
    gradient = jax.jit(jax.grad(loss, (0, 1, 2)), static_argnums=3)
    close(gradient(params, state, x, engine), gradient(params, state, x, "scan"))


def mesh(kind):
    return jax.make_mesh((2,), ("batch",), axis_types=(kind,))


def sharded(f, check_vma):
    """``f`` over half of the batch per device; parameters are the same on both."""
    over = dict(mesh=mesh(jax.sharding.AxisType.Auto), check_vma=check_vma)
    return jax.shard_map(f, in_specs=(P(), P(None, "batch")), out_specs=P(None, "batch"), **over)


@pytest.mark.parametrize("engine,check_vma", [(name, False) for name in ENGINES] + [(None, True)])
def test_each_device_of_a_shard_map_runs_its_own_neurons(engine, check_vma):
    params, x = arrays(BATCH, NEURONS)
    only_outputs = lambda run: lambda params, x: run(params, x)[0]
    run = jax.jit(sharded(only_outputs(function(engine)[0]), check_vma))
    expected = jax.jit(only_outputs(function("scan")[0]))(params, x)
    equal(run(params, x), expected)
    assert "all-gather" not in run.lower(params, x).compile().as_text()

    # the gradient of what lies outside of the map: that of shared parameters is summed
    def loss(run):
        return lambda params, x: sum(jnp.sum(jnp.sin(y)) for y in run(params, x).values())

    through_map = jax.jit(jax.grad(loss(run), (0, 1)))
    plain = jax.jit(jax.grad(loss(only_outputs(function("scan")[0])), (0, 1)))
    close(through_map(params, x), plain(params, x))


def test_a_mesh_of_explicit_axes_needs_nothing_when_the_batch_is_sharded():
    params, x = arrays(BATCH, NEURONS)
    expected = [jax.jit(f)(params, x) for f in function("scan")]
    devices = mesh(jax.sharding.AxisType.Explicit)
    with jax.set_mesh(devices):
        x = jax.device_put(x, jax.NamedSharding(devices, P(None, "batch")))
        params = jax.device_put(params, jax.NamedSharding(devices, P()))
        found = [jax.jit(f)(params, x) for f in function(None)]
    equal(found[0], expected[0])
    close(found[1], expected[1])


@pytest.mark.parametrize("check_vma", [True, False])
def test_in_a_shard_map_a_gpu_runs_the_kernel_and_its_gradient(check_vma, monkeypatch):
    monkeypatch.setattr(select, "missing", lambda backend: None)
    select.engine.cache_clear()
    params, x = arrays(BATCH, NEURONS)
    device = jax.sharding.AbstractDevice(device_kind="NVIDIA H100", num_cores=132, platform="gpu")
    auto = (jax.sharding.AxisType.Auto,)
    over = jax.sharding.AbstractMesh((2,), ("batch",), axis_types=auto, abstract_device=device)
    specs = dict(mesh=over, in_specs=(P(), P(None, "batch")), check_vma=check_vma)
    outputs, gradient = (
        lambda params, x: function(None)[0](params, x)[0],
        lambda params, x: function(None)[1](params, x)[1],
    )
    for of, expected in ((outputs, (1, 0)), (gradient, (2, 0))):
        run = jax.shard_map(of, out_specs=P(None, "batch"), **specs)
        assert kernels(lowered(run, params, x, named_device=False)) == expected
    select.engine.cache_clear()
