"""Gradients inside of a `jax.shard_map` that checks what varies: those of one device, summed."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block
from jslayer.block import Loop, Sequential, cuba
from jslayer.ops import EventBatch
from tests.block import cases

pytestmark = pytest.mark.skipif(jax.local_device_count() < 2, reason="needs two devices")
EVENTS = np.random.default_rng(0).random((4, 6, 12)) < 0.4


def image_network(family):
    home, fields = getattr(block, family), cases.fields(family, requires_grad=True)
    more = {"weight_scale": 4, "weight_norm": True}
    layers = [home.Conv(fields, 2, 3, 3, padding=1, delay=True, **more), home.Pool(fields, 2)]
    layers += [home.ConvT(fields, 3, 2, 2, stride=2, **more), home.Unpool(fields, 2)]
    layers += [home.Flatten(), home.Dense(fields, None, 5, delay=True, **more)]
    if hasattr(home, "Recurrent"):
        layers += [home.Recurrent(fields, 5, 4, **more), home.KWTA(fields, 4, 4, 2, **more)]
    return Sequential([*layers, home.Affine(fields, None, 3)]), cases.events((4, 2, 4, 4, 8))


class Fed(nn.Module):
    """A block that hears what it said."""

    @nn.compact
    def __call__(self, x, back, *, train=False):
        fields = cases.fields("cuba", persistent_state=True)
        return cuba.Dense(fields, None, 6)(jnp.concatenate([x, back], axis=1), train=train)


def dense(policy="save", **options):
    fields = cases.fields("cuba", requires_grad=True, policy=policy)
    return Sequential([cuba.Dense(fields, 6, 5, weight_scale=3, **options)])


FLOATS = EVENTS.astype(np.float32)
NETWORKS = {
    **{family: lambda f=family: image_network(f) for family in ("cuba", "rf_iz", "sigma_delta")},
    "loop": lambda: (Loop(Fed(), feedback=(6,)), FLOATS),
    "bits": lambda: (dense("save_spikes"), FLOATS),
    "recompute": lambda: (dense("recompute"), FLOATS),
    "booleans": lambda: (dense(), EVENTS),
    "half precision": lambda: (dense(dtype=jnp.bfloat16), EVENTS),
    "lists": lambda: (dense(), EventBatch.from_dense(EVENTS)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_gradient_inside_equals_that_of_one_device(name):
    network, x = NETWORKS[name]()
    variables = dict(jax.jit(network.init)(cases.KEY, x))
    variables.pop("state", None)  # of another batch

    def total(params, x):
        y = network.apply({**variables, "params": params}, x)
        return jnp.sum(y * jnp.cos(jnp.arange(y.shape[-1], dtype=jnp.float32)))

    gradient = jax.grad(total)
    expected = jax.jit(gradient)(variables["params"], x)
    axes = (jax.sharding.AxisType.Auto,)
    mesh = jax.make_mesh((2,), ("batch",), axis_types=axes)
    specs = dict(in_specs=(jax.P(), jax.P("batch")), out_specs=jax.P())
    found = jax.jit(jax.shard_map(gradient, mesh=mesh, **specs))(variables["params"], x)
    bound = lambda leaf: 5e-6 * max(np.max(np.abs(leaf)), 1e-6)
    jax.tree.map(
        lambda f, e: np.testing.assert_allclose(f, e, rtol=0, atol=bound(e)), found, expected
    )
    assert any(np.any(leaf) for leaf in jax.tree.leaves(expected))
