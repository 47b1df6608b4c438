"""Kernels over several devices: each runs its own neurons, and all give what one device gives."""

import contextlib
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer import block, loss, ops, training
from tests.ops.engines.cases import BY_NAME
from tests.ops.engines.compare import close, equal

KERNEL = "triton_interpret"
STEPS, BATCH, CHANNELS = 5, 4, 6
CASE = BY_NAME["leaky reset"]
P = jax.P
AUTO, EXPLICIT = jax.sharding.AxisType.Auto, jax.sharding.AxisType.Explicit

pytestmark = [
    pytest.mark.skipif(jax.local_device_count() < 2, reason="needs two devices"),
    pytest.mark.usefixtures("fresh_contexts"),
]


def both(engine, policy="save"):
    """Outputs and last state, and the gradient of parameters and input."""

    def outputs(params, x):
        run = functools.partial(ops.run, implementation=engine, policy=policy)
        return run(CASE.dynamics, params, None, x)

    def total(params, x):
        return sum(jnp.sum(jnp.sin(y)) for y in outputs(params, x)[0].values())

    return lambda params, x: (outputs(params, x), jax.grad(total, (0, 1))(params, x))


def arrays():
    x = CASE.inputs(STEPS, BATCH * CHANNELS).reshape(STEPS, BATCH, CHANNELS)
    return CASE.rows(CHANNELS), x


def collectives(compiled):
    """What devices ask of each other."""
    kinds = r"\b(all-gather|all-reduce|all-to-all|collective-permute)(?:-start)?\("
    return set(re.findall(kinds, compiled.as_text()))


def on_two_devices(function, kind, arguments, specs):
    """The result of a jitted function whose arguments are split so, and the compiled program."""
    mesh = jax.make_mesh((2,), ("batch",), axis_types=(kind,))
    with jax.set_mesh(mesh) if kind == EXPLICIT else contextlib.nullcontext():
        place = lambda nest, spec: jax.device_put(nest, jax.NamedSharding(mesh, spec))
        placed = list(map(place, arguments, specs))
        compiled = jax.jit(function).lower(*placed).compile()
        return compiled(*placed), compiled


@functools.cache
def on_one_device():
    return jax.jit(both("scan"))(*arrays())


@pytest.mark.parametrize("kind", [AUTO, EXPLICIT])
@pytest.mark.parametrize(
    "policy,spec,asked",
    [
        ("save", P(None, "batch"), {"all-reduce"}),
        ("recompute", P(None, "batch"), {"all-reduce"}),
        ("save", P(None, None, "batch"), set()),
    ],
)
def test_each_device_runs_its_neurons_and_only_gradients_are_summed(policy, spec, asked, kind):
    own = P(*spec[2:])  # parameters of a channel lie where the channel does
    split = (P() if kind == AUTO else own, spec)
    function = both(KERNEL, policy)
    (outputs, bars), compiled = on_two_devices(function, kind, arrays(), split)
    expected, expected_bars = on_one_device()
    equal(outputs, expected)
    close(bars, expected_bars)
    assert collectives(compiled) == asked
    for leaf in (*jax.tree.leaves(outputs[0]), bars[1]):
        assert tuple(leaf.sharding.spec)[: len(spec)] == tuple(spec)


@pytest.mark.parametrize("kind", [AUTO, EXPLICIT])
def test_mapped_networks_stay_on_their_devices(kind):
    params, x = arrays()
    nets = jax.tree.map(lambda row: jnp.stack([row, 0.75 * row, 0.5 * row, 0.6 * row]), params)
    mapped = lambda engine: jax.vmap(both(engine), (0, None))
    found, compiled = on_two_devices(mapped(KERNEL), kind, (nets, x), (P("batch"), P()))
    expected = jax.jit(mapped("scan"))(nets, x)
    equal(found[0], expected[0])
    close(found[1], expected[1])
    assert not collectives(compiled)


def test_time_that_is_split_gives_the_same_too():
    params, x = arrays()
    x = jnp.concatenate([x, x[:1]])
    run = lambda engine: lambda params, x: both(engine)(params, x)[0]
    found, _ = on_two_devices(run(KERNEL), AUTO, (params, x), (P(), P("batch")))
    equal(found, jax.jit(run("scan"))(params, x))


def test_training_by_kernels_is_the_same_on_two_devices_in_parts_too():
    neuron = {"threshold": 0.5, "current_decay": 0.25, "voltage_decay": 0.03, "requires_grad": True}
    neuron["implementation"] = KERNEL
    network = block.Sequential([block.cuba.Dense(neuron, 6, 4, weight_scale=4, delay=True)])
    random = np.random.default_rng(0)
    x = np.asarray(random.random((4, 6, 5)) < 0.4, np.float32)
    label = random.integers(0, 4, 4).astype(np.int32)
    state = training.create_state(network, x, optax.sgd(0.1))
    step = training.train_step(loss.SpikeRate(0.3, 0.05), accumulate=2)
    with jax.numpy_dtype_promotion("standard"):
        # a step takes its state's memory, and what is placed may share it
        placed = training.shard(jax.tree.map(jnp.copy, state), (x, label))
        one, expected = step(state, x, label)
        two, metrics = step(placed[0], *placed[1])
    close(metrics["loss"], expected["loss"])
    close(two.params, one.params)


def test_on_one_device_nothing_of_it_is_left():
    text = jax.jit(both(KERNEL)).lower(*arrays()).as_text()
    assert "CustomSPMDPartitioning" not in text


def test_the_default_engine_tells_the_compiler_of_gpus_what_may_be_split(with_gpu):
    mesh = jax.make_mesh((2,), ("batch",), axis_types=(AUTO,))
    place = lambda spec: (
        lambda leaf: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=jax.NamedSharding(mesh, spec)
        )
    )
    params, x = arrays()
    traced = jax.jit(both(None)).trace(jax.tree.map(place(P()), params), place(P(None, "batch"))(x))
    text = traced.lower(lowering_platforms=("cuda",)).as_text()
    kernels = re.findall("@CustomSPMDPartitioning.*sdy.sharding_rule.*need_replication", text)
    assert len(kernels) == 3  # inference, training, backward
    assert "all_gather" not in text
