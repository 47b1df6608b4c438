"""Modules of one's own as graphs: the same network, or a sentence with the name of the place."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block
from jslayer.block import Graph, cuba, graph_of
from tests.block import cases, own
from tests.block.own import EVENTS, Dense


def test_blocks_are_recorded_in_the_order_of_their_calls_with_their_names():
    module, variables, x = own.ready(own.Heads)
    recorded = graph_of(module, variables, x)
    names = ("Input", "encoder/blocks_0", "encoder/blocks_1", "plain", "Dense_0", "head")
    assert recorded.names == names  # the input, which three read, is a block as well
    assert recorded.network.sources == ((-1,), (0,), (1,), (0,), (2,), (2, 0, 3, 4))
    assert recorded.network.outputs == (2, 5)
    own.equal(jax.jit(recorded.network.apply)(recorded.variables, x), own.sent(own.Heads))


def test_a_reshape_of_images_is_a_flatten_and_counts_are_no_outputs():
    module, variables, x = own.ready(own.Images)
    recorded = graph_of(module, variables, jax.ShapeDtypeStruct(x.shape, x.dtype))
    assert recorded.names == ("Conv_0", "Conv_1", "Flatten", "Dense_0")
    assert isinstance(recorded.network.blocks[2], cuba.Flatten)
    assert recorded.network.sources == ((-1,), (0,), (0, 1), (2,))
    y, counts = jax.jit(recorded.network.apply)(recorded.variables, x)
    own.equal(y, own.sent(own.Images))
    assert counts[0] is not None
    assert recorded.variables["constants"]["blocks_2"]["shape"].tolist() == [80]


@pytest.mark.parametrize("kind", [own.Heads, own.Images])
def test_variables_go_to_the_names_of_the_graph_and_back(kind):
    module, variables, x = own.ready(kind)
    recorded = graph_of(module, variables, x)
    more = {**variables, "params": {**variables["params"], "elsewhere": jnp.ones(2)}}
    there = recorded.to_graph(more)
    assert jax.tree.structure(there) == jax.tree.structure(recorded.variables)
    doubled = jax.tree.map(lambda leaf: 2 * leaf, there)
    back = recorded.from_graph(doubled, more)
    assert jax.tree.structure(back) == jax.tree.structure(more)
    assert back["params"]["elsewhere"].tolist() == [1, 1]
    back["params"].pop("elsewhere")
    jax.tree.map(lambda one, other: np.testing.assert_array_equal(one, 2 * other), back, variables)


def test_a_graph_is_recorded_as_it_is():
    blocks = [Dense(5, 4), Dense(4, 3), Dense(7, 2)]
    network = Graph(blocks, sources=[(-1,), (0,), (1, 0)], outputs=[1, 2])
    variables = jax.jit(network.init)(cases.KEY, EVENTS)
    recorded = graph_of(network, variables, EVENTS)
    assert recorded.network == network
    assert jax.tree.structure(recorded.variables) == jax.tree.structure(variables)


class Calls(nn.Module):
    """Runs a function that makes blocks."""

    function: object

    @nn.compact
    def __call__(self, x, *, train=False):
        return self.function(x)


def tied(x):
    layer = Dense(5, 5, name="tied")
    return layer(layer(x))


def idle(x):
    Dense(5, 4, name="idle")(x)
    return Dense(5, 3)(x)


def deep(x):
    step = nn.scan(
        lambda layer, x, _: (layer(x), None),
        variable_axes={"params": 0, "constants": 0},
        split_rngs={"params": True},
        length=2,
    )
    return step(Dense(5, 5, name="deep"), x, None)[0]


def many(x):
    run = nn.vmap(
        lambda layer, x: layer(x),
        variable_axes={"params": None, "constants": None},
        split_rngs={"params": False},
    )
    return run(Dense(5, 5, name="many"), x[None])[0]


REFUSED = {
    "sum": (
        lambda x: Dense(5, 2, name="last")(Dense(5, 5)(x) + Dense(5, 5)(x)),
        r"^last of Calls reads `add` of .* in test_recorded.py, line \d+, expected blocks alone",
    ),
    "arithmetic": (lambda x: Dense(5, 2)(2 * Dense(5, 5)(x)), "Dense_0 of Calls reads `mul` of"),
    "scaled input": (lambda x: Dense(5, 2)(2 * x), "Dense_0 of Calls reads `mul` of"),
    "part": (lambda x: Dense(2, 2)(Dense(5, 4)(x)[:, :2]), "Dense_0 of Calls reads `slice` of"),
    "other layers": (
        lambda x: Dense(5, 2)(nn.Dense(10)(Dense(5, 5)(x))),
        "Dense_0 of Calls reads `dot_general` of",
    ),
    "time joined": (
        lambda x: Dense(5, 2)(jnp.concatenate([Dense(5, 5)(x), x], axis=2)),
        "Dense_0 of Calls reads `concatenate` along axis 2 of",
    ),
    "constant": (
        lambda x: Dense(5, 2)(jnp.ones((2, 5, 10))),
        "Dense_0 of Calls reads numbers that do not depend on the input, expected blocks alone",
    ),
    "rate read": (
        lambda x: Dense(5, 2)(x * Dense(5, 5, count_log=True)(x)[1]),
        "Dense_0 of Calls reads `mul` of",
    ),
    "rates out": (lambda x: Dense(5, 2)(x).mean(-1), "Calls returns `reduce_sum` of"),
    "join out": (
        lambda x: jnp.concatenate([Dense(5, 2)(x), x], axis=1),
        "Calls returns a join of Dense_0 and the input, expected what a block sends",
    ),
    "input out": (lambda x: (Dense(5, 2)(x), x), "Calls returns the input, expected"),
    "no block": (lambda x: x, "Calls calls no blocks, expected a module that calls some"),
    "twice": (tied, "tied of Calls is called twice, expected one call of each block"),
    "idle": (idle, "idle of Calls is read by no block and is no output, expected that all are"),
    "scan": (deep, r"deep of Calls is called inside of `scan` in test_recorded.py, line \d+, exp"),
    "vmap": (many, "many of Calls is called inside of a transformation .*, expected a plain call"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_graph_does_not_say_is_refused_by_the_name_of_its_place(name):
    function, message = REFUSED[name]
    module = Calls(function)
    variables = jax.eval_shape(module.init, cases.KEY, EVENTS)
    with pytest.raises(ValueError, match=message) as caught:
        graph_of(module, variables, EVENTS)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


class Pair(nn.Module):
    """Takes two arrays."""

    @nn.compact
    def __call__(self, x, other):
        return Dense(5, 2)(x)


def test_a_module_of_two_inputs_and_what_is_no_module_are_refused():
    with pytest.raises(
        ValueError, match=r"Pair is not called with one array .*, expected one that"
    ):
        graph_of(Pair(), {}, EVENTS)
    with pytest.raises(
        TypeError, match=r"`module` is .*, expected a Flax module that calls blocks"
    ):
        graph_of(print, {}, EVENTS)


def test_summary_counts_every_call_of_a_block_and_its_size_once():
    module, variables, x = own.ready(own.Tied)
    rows = block.summary(module, variables, x).rows
    assert [row["parameters"] for row in rows] == [30, 15]
    assert [row["ANN ops"] for row in rows] == [3 * 25, 15]
    assert rows[0]["synops"] > 0 and 0 < rows[0]["rate"] < 1
    sizes = block.summary(module, variables, x, run=False).rows
    assert [row["synapses"] for row in sizes] == [25, 15]


def test_summary_is_that_of_the_graph():
    named = lambda rows: [{**row, "layer": row["layer"][-6:]} for row in rows]
    for kind, runs in ((own.Heads, False), (own.Encoder, True)):  # every path, and its rates
        module, variables, x = own.ready(kind)
        recorded = graph_of(module, variables, x)
        rows = block.summary(recorded.network, recorded.variables, x, run=runs).rows
        expected = rows[recorded.names[0] == "Input" :]  # only the graph has a block of its own
        assert named(block.summary(module, variables, x, run=runs).rows) == named(expected)
