"""Networks of all blocks, and a trip through a file and back."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import Sequential, block, hdf5
from tests.neuron import cases as neurons

IMAGE = (2, 2, 4, 4, 48)
KEY = jax.random.key(0, impl="rbg")
"""Its draws compile in a fraction of the time that those of the usual kind of key take."""


def events(shape=IMAGE, seed=0, rate=0.4):
    """Random events of size 1."""
    return jnp.asarray(np.random.default_rng(seed).random(shape) < rate, jnp.float32)


def every_block(family, **changes):
    """All kinds of blocks of a family that a file can hold, in a row."""
    home = getattr(block, family)
    resonates = family in neurons.COMPLEX
    quick = {"threshold": 0.0625, "period": 4.5, "decay": 0.05} if resonates else {}
    params = {**neurons.FIELDS[family], **quick, **changes}
    strong = {"weight_scale": 30 if resonates else 8}
    winners = {"bias": None} if family in ("cuba", "alif") else {"bias": 0.0}
    return Sequential(
        [
            home.Input(params, weight=3.5, bias=-0.25),
            home.Conv(params, None, 3, 3, padding=1, delay=True, **strong),
            home.Pool(params, 2, weight_scale=1.5, delay=True),
            home.Unpool(params, 2, weight_scale=1.5),
            home.ConvT(params, None, 2, (2, 1), stride=(1, 2), **strong),
            home.Flatten(),
            home.Dense(params, None, 6, delay=True, **strong),
            home.Recurrent(params, None, 5, weight_norm=True, **strong),
            home.KWTA(params, None, 4, 2, **winners, **strong),
            home.Affine(params, None, 3, **strong),
        ]
    )


def initial(network, x):
    """The first variables of a network, compiled as one program."""
    return jax.jit(network.init)(KEY, x)


def moved(variables, seed=0):
    """Variables as after some training: delays and statistics are not what init gives."""
    rng = np.random.default_rng(seed)

    def move(path, leaf):
        name = path[-1].key
        if name == "delay":
            return jnp.asarray(rng.uniform(0, 4, leaf.shape), jnp.float32)
        if name == "running_mean":
            return jnp.asarray(rng.normal(0, 0.2, leaf.shape), jnp.float32)
        if name == "running_var":
            return jnp.asarray(rng.uniform(0.2, 6), jnp.float32)
        return leaf

    return jax.tree_util.tree_map_with_path(move, variables)


def export(path, network, variables, **options):
    """Writes a network, whatever inference tools do not know of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        hdf5.export(path, network, variables, **options)


def trip(folder, network, variables, **options):
    """Exports, loads and exports again: the loaded network, and what differs between the files."""
    export(folder / "a.net", network, variables)
    again, loaded = hdf5.load(folder / "a.net", **options)
    export(folder / "b.net", again, loaded)
    return again, loaded, hdf5.diff(folder / "a.net", folder / "b.net")


def run(network, variables, x):
    """The network's own forward pass."""
    return np.asarray(jax.jit(network.apply)(variables, x))


def assert_trips(folder, network, variables, x):
    """What every network must do: equal outputs, an equal file, an equal tree of variables."""
    again, loaded, lines = trip(folder, network, variables)
    assert lines == []
    y = run(network, variables, x)
    np.testing.assert_array_equal(run(again, loaded, x), y)
    return again, loaded, y
