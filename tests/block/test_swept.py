"""Sweeps of blocks and networks: over numbers of their neurons, by `vmap` and as arguments."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import hdf5
from jslayer.block import Loop, Sequential, cuba
from jslayer.ops import surrogate
from tests.block import cases

VALUES = jnp.asarray([0.3125, 0.7, 1.1], jnp.float32)
PERSISTENT = {**cases.fields("cuba"), "persistent_state": True}


class Fed(nn.Module):
    """A module for a loop, with a swept threshold."""

    threshold: float | jax.Array

    @nn.compact
    def __call__(self, x, back, *, train=False):
        neuron = {**PERSISTENT, "threshold": self.threshold}
        return cuba.Dense(neuron, None, 3, weight_scale=3)(x + back, train=train)


def replayed(value):
    swept = {"threshold": value, "tau_grad": value, "policy": "save_spikes"}
    blocks = [cases.make("cuba", "Dense", swept, weight_scale=8) for _ in range(2)]
    return Sequential(blocks)


def winners(value):
    changes = {"threshold": value, "voltage_decay": value / 4}
    return cases.make("cuba", "KWTA", changes)


NETWORKS = {
    "cuba Dense": lambda value: cases.make("cuba", "Dense", {"threshold": value}),
    "rf Dense": lambda value: cases.make("rf", "Dense", {"period": 20 * value, "threshold": value}),
    "alif Dense": lambda value: cases.make(
        "alif", "Dense", {"threshold_step": value, "current_decay": value / 4}
    ),
    "sigma_delta Dense": lambda value: cases.make("sigma_delta", "Dense", {"threshold": value}),
    "custom Dense": lambda value: cases.make(
        "custom", "Dense", {"parameters": {"leak": 0.125, "threshold": value}}
    ),
    "cuba Input": lambda value: cases.make("cuba", "Input", {"threshold": value}),
    "cuba Recurrent": lambda value: cases.make("cuba", "Recurrent", {"threshold": value}),
    "cuba KWTA": winners,
    "cuba replayed": replayed,
    "cuba Loop": lambda value: Loop(Fed(value), feedback=(3,)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_swept_in_one_program(name):
    make, x, traces = NETWORKS[name], cases.events(cases.FLAT) / 4, []
    variables = cases.fresh(make(1.0), cases.FLAT)
    # excited only, so that all depends on the threshold
    params = jax.tree.map(jnp.abs, variables.get("params", {}))
    held = {name: tree for name, tree in variables.items() if name not in ("constants", "state")}
    held["params"] = params

    @jax.jit
    @jax.vmap
    def sweep(value):
        traces.append(value)

        def loss(value, params):
            y = make(value).apply({**held, "params": params}, x)
            return jnp.sum(y**2), y

        return jax.grad(loss, argnums=(0, 1), has_aux=True)(value, params)

    (slopes, gradients), found = sweep(VALUES)
    for k, value in enumerate(VALUES):
        np.testing.assert_array_equal(found[k], make(float(value)).apply(held, x))
    assert len({np.asarray(y).tobytes() for y in found}) > 1
    for leaf in jax.tree.leaves((slopes, gradients)):
        assert np.isfinite(leaf).all()
    assert slopes.any()
    sweep(VALUES + 0.1)
    assert len(traces) == 1


@pytest.mark.parametrize(
    "kind",
    [
        surrogate.Exponential,
        surrogate.FastSigmoid,
        surrogate.ArcTan,
        surrogate.Triangle,
        surrogate.Gaussian,
        surrogate.StraightThrough,
        surrogate.PhaseExponential,
    ],
)
def test_every_surrogate_is_swept(kind):
    family = "rf" if kind is surrogate.PhaseExponential else "cuba"
    x = cases.events(cases.FLAT)
    variables = cases.fresh(cases.make(family, "Dense"), cases.FLAT)

    def slope(value):
        layer = cases.make(family, "Dense", {"surrogate": kind(value)})
        return jax.grad(lambda x: jnp.sum(layer.apply(variables, x)))(x)

    found = jax.jit(jax.vmap(slope))(VALUES)
    np.testing.assert_allclose(found[1], slope(float(VALUES[1])), rtol=1e-4, atol=1e-6)
    assert not np.array_equal(found[0], found[1])


def test_a_block_with_known_numbers_is_a_static_argument():
    traces = []

    def apply(layer, variables, x):
        traces.append(layer)
        return layer.apply(variables, x)

    x, run = cases.events(cases.FLAT), jax.jit(apply, static_argnums=0)
    make = lambda value: cases.make("cuba", "Dense", {"threshold": value, "tau_grad": value})
    variables = cases.fresh(make(0.5), cases.FLAT)
    for value in (0.5, jnp.float32(0.5), np.array(0.5)):
        run(make(value), variables, x)
    assert len(traces) == 1


def test_a_network_file_is_written_from_known_numbers_only(tmp_path):
    x = cases.events(cases.FLAT)
    make = lambda value: Sequential([cases.make("cuba", "Dense", {"threshold": value})])
    variables = cases.fresh(make(0.5), cases.FLAT)
    hdf5.export(tmp_path / "network.net", make(jnp.float32(0.5)), variables)
    assert hdf5.read(tmp_path / "network.net").layers[0].neuron.threshold == 32
    write = lambda value: hdf5.export(tmp_path / "swept.net", make(value), variables)
    with pytest.raises(
        ValueError, match=r"\(Dense\): .* is traced, expected numbers that are known"
    ):
        jax.eval_shape(lambda value: write(value) or x, jnp.float32(0.5))
    assert not (tmp_path / "swept.net").exists()
