"""What every kind of block does in every family: shapes, gradients, tracing, arguments."""

import copy
import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block
from jslayer.block.kinds import KINDS
from tests.block import cases

FAMILY = pytest.mark.parametrize("family", cases.FAMILIES)
KIND = pytest.mark.parametrize("name", cases.KINDS)
SYNAPSES = ("synapse", "input_synapse", "recurrent_synapse")

SIGNATURES = {
    "Input": "neuron_params=None, weight=None, bias=None, delay_shift=True, count_log=False",
    "Flatten": "count_log=False",
    "Average": "num_outputs, count_log=False",
    "TimeDecimation": "factor, count_log=False",
    "Affine": "neuron_params, in_neurons, out_neurons, weight_scale=1, weight_norm=False, "
    "pre_hook_fx='neuron', dynamics=True, mask=None, count_log=False",
    "Dense": "neuron_params, in_neurons, out_neurons, weight_scale=1, weight_norm=False, "
    "pre_hook_fx='neuron', delay=False, delay_shift=True, mask=None, count_log=False",
    "Conv": "neuron_params, in_features, out_features, kernel_size, stride=1, padding=0, "
    "dilation=1, groups=1, weight_scale=1, weight_norm=False, pre_hook_fx='neuron', delay=False, "
    "delay_shift=True, count_log=False",
    "Pool": "neuron_params, kernel_size, stride=None, padding=0, dilation=1, weight_scale=1, "
    "weight_norm=False, pre_hook_fx='neuron', delay=False, delay_shift=True, count_log=False",
    "KWTA": "neuron_params, in_neurons, out_neurons, num_winners, self_excitation=0.5, "
    "weight_scale=1, weight_norm=False, pre_hook_fx='neuron', delay_shift=True, "
    "requires_grad=True, count_log=False",
    "Recurrent": "neuron_params, in_neurons, out_neurons, weight_scale=1, weight_norm=False, "
    "pre_hook_fx='neuron', requires_grad=True, delay=False, delay_shift=True, count_log=False",
    "Output": "neuron_params, in_neurons, out_neurons, weight_scale=1, weight_norm=False, "
    "count_log=False",
}
SIGNATURES |= {"ConvT": SIGNATURES["Conv"], "Unpool": SIGNATURES["Pool"]}
"""Order and defaults of the arguments, as those who come from lava-dl know them."""


@functools.cache
def ran(family, name):
    """One block with a gradient through it: what several tests look at."""
    kind, given = cases.KINDS[name], cases.fields(family)
    before = copy.copy(given)
    layer = cases.make(family, name)
    x = cases.events(kind.takes)
    cotangent = np.random.default_rng(1).normal(size=kind.gives).astype(np.float32)
    traces = []

    @jax.jit
    def run(x):
        traces.append(1)
        variables = {"params": {}, **cases.first(layer, kind.takes)}

        def loss(params, x):
            y, seen = layer.apply({**variables, "params": params}, x, mutable=["intermediates"])
            return jnp.sum(y * cotangent), (y, seen)

        return jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(variables["params"], x)

    (_, (y, seen)), gradient = jax.device_get(run(x))
    run(np.asarray(x) + 1)
    assert cases.fields(family) == before
    return {"y": y, "seen": seen, "gradient": gradient, "traces": len(traces), "layer": layer}


@FAMILY
@KIND
def test_a_block_gives_events_of_the_right_shape(family, name):
    found, kind = ran(family, name), cases.KINDS[name]
    assert found["y"].shape == kind.gives
    assert found["y"].dtype == jnp.float32
    assert np.isfinite(found["y"]).all()
    assert np.asarray(found["y"]).any()


@FAMILY
@KIND
def test_gradients_reach_every_weight_and_the_input(family, name):
    params_bar, x_bar = ran(family, name)["gradient"]
    assert np.isfinite(x_bar).all()
    assert np.any(x_bar)
    for leaf in jax.tree.leaves(params_bar):
        assert np.isfinite(leaf).all()
    synapses = {place: params_bar[place] for place in SYNAPSES if place in params_bar}
    assert bool(synapses) == cases.KINDS[name].weighted
    for leaf in jax.tree.leaves(synapses):
        assert np.any(leaf)


@FAMILY
@KIND
def test_a_call_of_the_same_shapes_is_not_traced_again(family, name):
    assert ran(family, name)["traces"] == 1
    again = cases.make(family, name)
    assert again == ran(family, name)["layer"]
    assert hash(again) == hash(ran(family, name)["layer"])
    assert again != cases.make(family, name, count_log=True)


@FAMILY
@KIND
def test_the_event_rate_is_the_fraction_of_outputs_that_are_not_zero(family, name):
    found, kind = ran(family, name), cases.KINDS[name]
    seen = found["seen"].get("intermediates", {})
    if kind.counts:
        rate = np.mean(np.asarray(found["y"]) != 0, dtype=np.float32)
        np.testing.assert_allclose(seen["event_rate"][0], rate, rtol=1e-6)
    else:
        assert "event_rate" not in seen


@FAMILY
@KIND
def test_a_block_that_counts_returns_the_rate_as_well(family, name):
    kind = cases.KINDS[name]
    layer = cases.make(family, name, count_log=True)
    variables = cases.abstract(cases.make(family, name), kind.takes)
    y, count = jax.eval_shape(layer.apply, variables, jnp.ones(kind.takes))
    assert y.shape == kind.gives
    assert (count is None) != kind.counts
    assert count is None or (count.shape, count.dtype) == ((), jnp.float32)


@FAMILY
@KIND
def test_positional_arguments_are_in_the_order_of_lava_dl(family, name):
    scope = {}
    exec(f"def expected({SIGNATURES[name]}): pass", scope)
    expected = inspect.signature(scope["expected"]).parameters
    found = inspect.signature(getattr(getattr(block, family), name)).parameters
    assert list(found)[: len(expected)] == list(expected)
    for argument, one in expected.items():
        default = one.default
        if family == "sigma_delta" and argument == "delay_shift":
            default = False
        assert found[argument].default == default, argument


@FAMILY
def test_the_caller_may_go_on_with_the_same_neuron_arguments(family):
    given = cases.fields(family, shared_param=False)
    before = copy.copy(given)
    for name in cases.WITH_NEURON:
        kind = cases.KINDS[name]
        options = {"bias": 1.0} if name == "KWTA" else {}
        layer = getattr(getattr(block, family), name)(given, *kind.arguments, **options)
        jax.eval_shape(layer.init, cases.KEY, jnp.ones(kind.takes))
    assert given == before


@pytest.mark.parametrize("name", ["Dense", "Affine", "Recurrent", "KWTA", "Conv", "ConvT"])
def test_a_size_that_is_left_out_is_that_of_the_first_input(name):
    kind = cases.KINDS[name]
    open_, x = cases.make("cuba", name), jnp.ones(kind.takes)
    channels = kind.takes[1]
    closed = open_.clone(**{"in_features" if "Conv" in name else "in_neurons": channels})
    shapes = lambda layer: jax.tree.map(
        lambda leaf: leaf.shape, jax.eval_shape(layer.init, cases.KEY, x)
    )
    assert shapes(open_) == shapes(closed)
    more = jnp.ones((kind.takes[0], channels + 2, *kind.takes[2:]))
    with pytest.raises(ValueError, match=f"`x` has shape .*expected {channels}"):
        jax.eval_shape(open_.apply, cases.abstract(open_, kind.takes), more)


@FAMILY
@KIND
def test_events_may_be_booleans_or_integers(family, name):
    kind, layer = cases.KINDS[name], cases.make(family, name)
    variables = cases.abstract(layer, kind.takes)
    for dtype in (jnp.bool_, jnp.uint8, jnp.int32):
        y = jax.eval_shape(layer.apply, variables, jnp.ones(kind.takes, dtype))
        assert y.shape == kind.gives


@pytest.mark.parametrize("dtype", [jnp.uint8, jnp.int8, jnp.int32, np.int64])
def test_integers_are_the_same_events_as_floats(dtype):
    kinds = ("Input", "Conv", "TimeDecimation", "Flatten", "Average", "Output")
    home = {name: cases.make("cuba", name) for name in kinds}
    early = [home["TimeDecimation"], home["Flatten"], home["Average"], home["Output"]]
    for blocks in ([home["Input"], home["Conv"]], early, [home["Flatten"], home["Output"]]):
        network = block.Sequential(blocks)
        x = cases.events(cases.IMAGE)
        apply = jax.jit(network.apply)
        variables = cases.fresh(network, cases.IMAGE)
        np.testing.assert_array_equal(
            apply(variables, np.asarray(x).astype(dtype)), apply(variables, x)
        )


def test_a_graph_joins_integers_with_the_events_of_a_block():
    blocks = [cases.make("cuba", "Dense"), cases.make("cuba", "Dense")]
    network = block.Graph(blocks, sources=[(-1,), (-1, 0)], outputs=[1])
    variables, x = cases.fresh(network, cases.FLAT), cases.events(cases.FLAT)
    for dtype in (jnp.uint8, jnp.int32):
        y = network.apply(variables, x.astype(dtype))
        np.testing.assert_array_equal(y, network.apply(variables, x))


def test_a_family_of_your_own_has_every_kind_and_the_shift_of_its_neuron():
    from jslayer.neuron import sigma_delta

    class Quiet(sigma_delta.Neuron):
        threshold: float = 0.5
        activation: str = "relu"

    own = block.family(Quiet, "quiet")
    assert set(vars(own)) == set(KINDS)
    assert own.Dense({}, 3, 2).delay_shift is False
    assert own.Dense({}, 3, 2, delay_shift=True).delay_shift is True
    assert "quiet" in own.Dense.__module__
