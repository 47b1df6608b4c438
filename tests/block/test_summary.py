"""The table of a network, against numbers counted by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.block import Sequential, cuba, rf, summary
from tests.block import cases

NETWORK = Sequential(
    [
        cuba.Conv(cases.MEMORYLESS, 1, 2, 2),
        cuba.Flatten(),
        cuba.Dense(cases.MEMORYLESS, None, 3, delay=True),
        cuba.Recurrent(cases.MEMORYLESS, 3, 2),
        cuba.KWTA(cases.MEMORYLESS, 2, 2, 1, bias=0.0),
        cuba.Affine(cases.MEMORYLESS, 2, 1),
    ]
)
# one event in the middle of an image of 3 by 3, then one in a corner
X = jnp.zeros((1, 1, 3, 3, 5)).at[0, 0, 1, 1, 0].set(1).at[0, 0, 0, 0, 1].set(1)


@pytest.fixture(scope="module")
def table():
    variables = jax.jit(NETWORK.init)(cases.KEY, X)

    def loud(path, leaf):
        names = [key.key for key in path]
        if "recurrent_synapse" in names:
            return jnp.zeros_like(leaf)
        return jnp.full_like(leaf, {"delay": 0.5, "self_excitation": 0.0}.get(names[-1], 1.5))

    params = jax.tree_util.tree_map_with_path(loud, variables["params"])
    return summary(NETWORK, {**variables, "params": params}, X)


def column(table, name):
    return [row[name] for row in table.rows]


def test_sizes(table):
    assert column(table, "layer") == [
        "cuba Conv",
        "cuba Flatten",
        "cuba Dense",
        "cuba Recurrent",
        "cuba KWTA",
        "cuba Affine",
    ]
    assert column(table, "W") == [2, 1, 1, 1, 1, 1]
    assert column(table, "H") == [2, 1, 1, 1, 1, 1]
    assert column(table, "C") == [2, 8, 3, 2, 2, 1]
    assert column(table, "kernel") == ["2x2", "", "", "", "", ""]
    assert column(table, "delay") == ["", "", 0, "", "", ""]
    assert column(table, "neurons") == [8, 0, 3, 2, 2, 1]
    # 8 windows of 4; 8 by 3; 3 by 2 and 2 by 2 back; 2 by 2 and 2 by 2 back; 2 by 1
    assert column(table, "synapses") == [32, 0, 24, 10, 8, 2]
    # the weights; three delays; the self-excitation
    assert column(table, "parameters") == [8, 0, 24 + 3, 10, 4 + 1, 2]


def test_events_and_operations(table):
    # The middle reaches all 8 neurons in step 0, the corner 2 in step 1; each layer fires once for
    # either, a step later: 8 and 2 events, then 3 and 3, 2 and 2. Of the winners, who see 3.0 from
    # in front, both fire in step 3, and in step 4 their -1 leaves 2.0, above threshold: but the
    # shift holds that back.
    sent = [10, 0, 6, 4, 2]
    np.testing.assert_allclose(column(table, "events")[:5], np.array(sent) / 5)
    rates = column(table, "rate")
    np.testing.assert_allclose([rates[i] for i in (0, 2, 3, 4)], [2 / 8, 1.2 / 3, 0.8 / 2, 0.4 / 2])
    assert rates[1] == ""
    # 8 ways from the middle and 2 from the corner; 3 per event; 2 per event, and back; ...; 1
    synops = [10, 0, 10 * 3, 6 * 2 + 4 * 2, 4 * 2 + 2 * 2, 2 * 1]
    np.testing.assert_allclose(column(table, "synops"), np.array(synops) / 5)
    assert column(table, "ANN ops") == column(table, "synapses")
    assert table.rows[0]["saving"] == pytest.approx(32 / 2)
    total = table.total
    assert total["synapses"] == 76
    assert total["synops"] == pytest.approx(sum(synops) / 5)
    assert total["saving"] == pytest.approx(76 / (sum(synops) / 5))
    assert "total" in str(table).splitlines()[-1]


def test_without_a_run_the_costs_are_left_out(table):
    variables = jax.jit(NETWORK.init)(cases.KEY, X)
    bare = summary(NETWORK, variables, X, run=False)
    assert column(bare, "synapses") == column(table, "synapses")
    assert "synops" not in bare.rows[0]
    assert "synops" not in str(bare)


def test_complex_connections_count_twice_and_masked_ones_not():
    network = Sequential(
        [
            rf.Dense(cases.fields("rf"), 3, 2),
            cuba.Dense(cases.MEMORYLESS, 2, 2, mask=np.eye(2)),
            cuba.Recurrent(cases.MEMORYLESS, 2, 2, recurrent_mask=[[0, 1], [0, 0]]),
        ]
    )
    x = jnp.ones((1, 3, 4))
    table = summary(network, jax.jit(network.init)(cases.KEY, x), x, run=False)
    assert column(table, "synapses") == [12, 2, 5]
