"""Networks exported by `jax.export` for any number of samples run for each of them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.block import Graph, Sequential
from tests.block import cases

FLAT = (3, cases.STEPS)
IMAGE = (2, 4, 4, cases.STEPS)


def dense(family):
    return Sequential([cases.make(family, "Dense", delay=True), cases.make(family, "Affine")])


def images(family):
    kinds = ("Input", "Conv", "Pool", "Flatten", "Dense", "KWTA", "Recurrent", "Output")
    return Sequential([cases.make(family, kind) for kind in kinds])


def replayed(family):
    blocks = [cases.make(family, "Dense", {"policy": "save_spikes"}) for _ in range(2)]
    return Sequential(blocks)


def branches(family):
    blocks = [cases.make(family, "Dense") for _ in range(3)]
    return Graph(blocks, sources=[(-1,), (0,), (0, 1)], outputs=[1, 2])


NETWORKS = {
    **{f"{family} dense": (dense(family), FLAT, jnp.float32) for family in cases.FAMILIES},
    "cuba images": (images("cuba"), IMAGE, jnp.float32),
    "cuba replayed": (replayed("cuba"), FLAT, jnp.float32),
    "cuba branches": (branches("cuba"), FLAT, jnp.bool_),
}


def events(samples, one, dtype):
    x = cases.events((samples, *one), seed=samples, rate=0.5)
    return (x != 0) if dtype == jnp.bool_ else x


def export(function, one, dtype):
    (samples,) = jax.export.symbolic_shape("b")
    return jax.export.export(function)(jax.ShapeDtypeStruct((samples, *one), dtype))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_exported_for_any_number_of_samples(name):
    network, one, dtype = NETWORKS[name]
    variables = cases.fresh(network, (1, *one))
    apply = jax.jit(functools.partial(network.apply, variables))
    exported = export(apply, one, dtype)
    for number in (1, 3):
        x = events(number, one, dtype)
        jax.tree.map(np.testing.assert_array_equal, exported.call(x), apply(x))
    assert all(np.any(leaf) for leaf in jax.tree.leaves(apply(x)))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bool_])
def test_a_gradient_is_exported_for_any_number_of_samples(dtype):
    network, one, _ = NETWORKS["cuba dense"]
    variables = cases.fresh(network, (1, *one))

    @jax.jit
    def gradient(x):
        error = lambda params: jnp.sum(network.apply({**variables, "params": params}, x) ** 2)
        return jax.grad(error)(variables["params"])

    exported, x = export(gradient, one, dtype), events(3, one, dtype)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-6)
    jax.tree.map(close, exported.call(x), gradient(x))
