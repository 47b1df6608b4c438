import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block
from jslayer.ops import event_product

NEURON = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03, "requires_grad": True}


@pytest.fixture(params=[1, 2])
def devices(request, monkeypatch):
    """The way of a process with that many devices."""
    monkeypatch.setattr(jax, "device_count", lambda *_: request.param)
    return request.param


def drawn(samples, channels, outputs, steps):
    random = np.random.default_rng(steps)
    events = random.random((steps, samples, channels)) < 0.2
    weight = np.round(random.uniform(-2, 2, (outputs, channels)) * 32) / 32
    bar = np.round(random.uniform(-2, 2, (steps, samples, outputs)) * 32) / 32
    return jnp.asarray(events), jnp.asarray(weight, jnp.float32), jnp.asarray(bar, jnp.float32)


@pytest.mark.parametrize("steps", [1, 7, 32, 33, 65, 100])
def test_it_is_the_product_of_the_same_events_as_floats(devices, steps):
    events, weight, bar = drawn(3, 5, 4, steps)

    @jax.jit
    def run(events, weight, bar):
        z, pullback = jax.vjp(lambda w: event_product.event_product(events, w), weight)
        return z, pullback(bar)[0]

    z, weight_bar = run(events, weight, bar)
    as_floats = np.asarray(events, np.float32)  # on a grid, so that sums are exact in any order
    np.testing.assert_array_equal(z, np.einsum("tnc,oc->tno", as_floats, weight))
    np.testing.assert_array_equal(weight_bar, np.einsum("tno,tnc->oc", bar, as_floats))


def test_it_maps_over_weights_and_over_recordings(devices):
    events, weight, _ = drawn(3, 5, 4, 40)
    both = jnp.stack([weight, -weight])
    z = jax.vmap(event_product.event_product, (None, 0))(events, both)
    np.testing.assert_array_equal(z[1], -z[0])
    z = jax.vmap(event_product.event_product, (0, None))(jnp.stack([events, ~events]), weight)
    np.testing.assert_array_equal(z[1], event_product.event_product(~events, weight))


@pytest.mark.parametrize("rank", [3, 5])
def test_a_network_takes_events_as_booleans_or_floats_alike(devices, rank):
    network = block.Sequential(
        [
            block.cuba.Flatten(),
            block.cuba.Dense(NEURON, 12, 6, weight_scale=3, weight_norm=True, delay=True),
            block.cuba.Dense(NEURON, 6, 3, weight_scale=3),
        ]
    )
    shape = (2, 12, 40) if rank == 3 else (2, 3, 2, 2, 40)
    events = jax.random.bernoulli(jax.random.key(0), 0.3, shape)
    variables = jax.jit(network.init)(jax.random.key(1), events)

    def loss(params, x):
        return jnp.sum(network.apply({**variables, "params": params}, x) * jnp.arange(40.0))

    found = jax.jit(jax.value_and_grad(loss))(variables["params"], events)
    expected = jax.jit(jax.value_and_grad(loss))(variables["params"], events.astype(jnp.float32))
    assert found[0] == expected[0] > 0
    for one, other in zip(jax.tree.leaves(found[1]), jax.tree.leaves(expected[1]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())


@functools.cache
def dense_block(family, kind):
    """A block and its variables, which are the same in every way of `devices`."""
    neuron = NEURON if family == "cuba" else {"threshold": 0.5, "period": 8, "decay": 0.1}
    options = {"num_winners": 2} if kind == "KWTA" else {}
    layer = getattr(getattr(block, family), kind)(neuron, 5, 4, weight_scale=3, **options)
    return layer, jax.jit(layer.init)(jax.random.key(1), jnp.zeros((2, 5, 40)))


@pytest.mark.parametrize("family", ["cuba", "rf"])
@pytest.mark.parametrize("kind", ["Dense", "Recurrent", "KWTA"])
def test_every_dense_block_reads_events(devices, family, kind):
    layer, variables = dense_block(family, kind)
    events = jnp.asarray(np.random.default_rng(0).random((2, 5, 40)) < 0.3)
    run = jax.jit(lambda x: layer.apply(variables, x))  # a new function for every way of `devices`
    np.testing.assert_array_equal(run(events), run(events.astype(jnp.float32)))
