"""Modules of Flax and plain functions among the blocks of a network."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import axon, hdf5, neuron, synapse
from jslayer.block import Graph, Sequential, cuba, folded, stream, summary
from tests.block import cases

NEURON = cases.fields("cuba")
X = cases.events(cases.FLAT)


def halved(x):
    return x / 2


class Noted(nn.Module):
    """Says whether it was told to train, in what it gives."""

    @nn.compact
    def __call__(self, x, **options):
        return x + float(options["train"])


def between(*parts):
    """A network with something between its two blocks."""
    first, last = cases.make("cuba", "Dense"), cases.make("cuba", "Dense")
    return Sequential([first, *parts, last])


PARTS = {
    "function": halved,
    "jitted": jax.jit(halved),
    "partial": functools.partial(jnp.multiply, 0.5),
    "ufunc": jnp.abs,
    "told": lambda x, train: x * (2 if train else 1),
    "flax": nn.Dense(cases.STEPS),
    "nested": Sequential([halved]),
    "neuron": neuron.cuba.Neuron(**NEURON),
    "synapse": synapse.Dense(4, 4),
    "axon": axon.Delay(),
}


@pytest.mark.parametrize("name", PARTS)
def test_any_callable_of_one_array_stands_between_blocks(name):
    network, part = between(PARTS[name]), PARTS[name]
    variables = jax.jit(network.init)(cases.KEY, X)
    y = network.apply(variables, X)
    own = lambda k: {n: tree[k] for n, tree in variables.items() if k in tree}
    step = network.blocks[0].apply(own("blocks_0"), X)
    step = part.apply(own("blocks_1"), step) if isinstance(part, nn.Module) else _call(part, step)
    np.testing.assert_array_equal(y, network.blocks[2].apply(own("blocks_2"), step))
    assert hash(network) == hash(network.clone())


def _call(part, x):
    return part(x, train=False) if part is PARTS["told"] else part(x)


@pytest.mark.parametrize("part", [PARTS["told"], Noted()])
def test_train_goes_to_what_takes_it(part):
    network = Sequential([part, halved])
    train, not_train = (network.apply({}, X, train=train) for train in (True, False))
    assert (np.asarray(train) > np.asarray(not_train)).any()


def test_a_function_stands_in_a_graph_and_a_stream():
    blocks = [cases.make("cuba", "Dense"), halved, cases.make("cuba", "Dense")]
    network = Graph(blocks, sources=[(-1,), (0,), (1, 0)], outputs=[2])
    variables = cases.fresh(network, cases.FLAT)
    y = network.apply(variables, X)
    start, step = stream(network)
    state = start(variables, X[..., 0])
    for t in range(3):
        y_t, state = step(variables, state, X[..., t])
        np.testing.assert_array_equal(y_t, y[..., t])


def test_a_table_names_functions_and_foreign_modules():
    network = between(halved, nn.Dense(cases.STEPS))
    variables = jax.jit(network.init)(cases.KEY, X)
    rows = summary(network, variables, X).rows
    layers = [row["layer"] for row in rows]
    assert layers == ["cuba Dense", "halved", "linear Dense", "cuba Dense"]
    assert [row["neurons"] for row in rows] == [4, 0, 0, 4]
    light, weights = folded(network, variables)
    np.testing.assert_array_equal(light.apply(weights, X), network.apply(variables, X))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (halved, r"layer/1 \(halved\): `block` is the function halved, expected one of Input"),
        (nn.Dense(3), r"layer/1 \(Dense\): `block` is a flax.linen.linear.Dense, expected one of"),
        (axon.Delay(), r"layer/1 \(Delay\): `block` is a Delay, expected one of Input"),
    ],
)
def test_the_network_file_names_what_it_has_no_words_for(tmp_path, part, message):
    network = Sequential([cuba.Flatten(), part])
    variables = jax.jit(network.init)(cases.KEY, X)
    with pytest.raises(TypeError, match=message):
        hdf5.export(tmp_path / "network.net", network, variables)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match=r"`blocks\[1\]` is 3, expected a block, another module or"):
        Sequential([halved, 3])
