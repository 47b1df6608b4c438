"""Flax's own tools on every module: tables, bind, lazy init, shared scopes, interception, NNX."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jslayer import axon, dendrite, neuron, synapse
from jslayer.block import Graph, Loop, Sequential, cuba
from jslayer.utils import FIRBank
from tests.block import cases
from tests.neuron import cases as neurons

FLAT = cases.events((2, 3, 6))
IMAGE = cases.events((2, 2, 4, 4, 6))
FEEDING = {"threshold": 1.0, "current_decay": 0.5, "voltage_decay": 0.5, "persistent_state": True}


class Fed(nn.Module):
    """A module for a loop."""

    @nn.compact
    def __call__(self, x, back, *, train=False):
        return cuba.Dense(FEEDING, None, 3)(x + back, train=train)


def every_module():
    """All blocks of one family, one of each other, and all that is no block; with their inputs."""
    for kind, entry in cases.KINDS.items():
        yield f"cuba {kind}", cases.make("cuba", kind), cases.events(entry.takes)
    yield "cuba ConvOutput", cuba.ConvOutput(cases.fields("cuba"), 2, 3), IMAGE
    for family in cases.FAMILIES:
        if family != "cuba":
            yield f"{family} Dense", cases.make(family, "Dense"), FLAT
    for name in neurons.NAMES:
        x = (FLAT, FLAT) if name in neurons.COMPLEX else FLAT
        yield f"neuron {name}", neurons.make(name), x
    yield "neuron norm", neurons.make("cuba", norm=neuron.MeanOnlyBatchNorm, dropout=0.5), FLAT
    for home in (synapse, synapse.complex):
        yield f"{home.__name__} Dense", home.Dense(3, 2), FLAT
        yield f"{home.__name__} Conv", home.Conv(2, 3, 3), IMAGE
        yield f"{home.__name__} ConvTranspose", home.ConvTranspose(2, 3, 2), IMAGE
        yield f"{home.__name__} Pool", home.Pool(2), IMAGE
        yield f"{home.__name__} Unpool", home.Unpool(2), IMAGE
    yield "axon Delay", axon.Delay(), FLAT
    yield "axon Delta", axon.Delta(0.5), FLAT
    yield "dendrite Sigma", dendrite.Sigma(), FLAT
    yield "Dropout", neuron.Dropout(0.5), FLAT
    yield "MeanOnlyBatchNorm", neuron.MeanOnlyBatchNorm(), FLAT
    yield "WgtScaleBatchNorm", neuron.WgtScaleBatchNorm(), FLAT
    yield "FIRBank", FIRBank(2, 3), FLAT
    blocks = [cases.make("cuba", "Dense"), cases.make("rf", "Dense", {"norm": None})]
    yield "Sequential", Sequential(blocks), FLAT
    yield "Graph", Graph(blocks, sources=[(-1,), (0,)], outputs=[0, 1]), FLAT
    yield "Loop", Loop(Fed(), feedback=(3,)), FLAT


EVERY = {name: (module, x) for name, module, x in every_module()}
OF_EACH_KIND = (
    "cuba Recurrent",
    "rf Dense",
    "neuron sigma_delta",
    "jslayer.synapse.complex Dense",
    "axon Delay",
    "Sequential",
)
every = pytest.mark.parametrize("name", EVERY)
KEY = {"params": cases.KEY, "dropout": cases.KEY}


class Around(nn.Module):
    """A module that stands around another and shares its scope."""

    inner: nn.Module

    def setup(self):
        nn.share_scope(self, self.inner)

    def __call__(self, x):
        return self.inner(x)


@every
def test_a_table_is_made_of_every_module(name):
    module, x = EVERY[name]
    table = module.tabulate(KEY, x, console_kwargs={"width": 200})
    assert type(module).__name__ in table


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_a_table_counts_operations(name):
    module, x = EVERY[name]
    counts = {"compute_flops": True, "compute_vjp_flops": True}
    table = nn.tabulate(module, KEY, **counts, console_kwargs={"width": 400})(x)
    assert "vjp_flops" in table


@every
def test_a_module_is_shared_and_intercepted(name):
    module, x = EVERY[name]
    seen = []

    def note(call, arguments, options, context):
        seen.append(context.method_name)
        return call(*arguments, **options)

    shapes = jax.eval_shape(module.init, KEY, x)
    with nn.intercept_methods(note):
        shared = jax.eval_shape(Around(module).init, KEY, x)
    assert jax.tree.structure(shared) == jax.tree.structure(shapes)
    assert "__call__" in seen


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_a_module_is_initialised_without_data(name):
    module, x = EVERY[name]
    abstract = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), x)
    assert set(module.lazy_init(KEY, abstract)) == set(jax.eval_shape(module.init, KEY, x))


@every
def test_all_methods_may_be_captured(name):
    module, x = EVERY[name]
    variables = jax.eval_shape(module.init, KEY, x)
    seen = []
    note = lambda module, method: seen.append(method) or True
    run = lambda v, x: module.apply(v, x, capture_intermediates=note)[0]
    jax.eval_shape(run, variables, x)
    assert "__call__" in seen


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_a_bound_module_and_one_of_nnx_give_the_same(name):
    module, x = EVERY[name]
    variables = jax.jit(module.init)(KEY, x)
    y = jax.jit(module.apply)(variables, x)
    bound = module.bind(variables)
    equal = lambda found: jax.tree.map(np.testing.assert_array_equal, found, y)
    equal(bound(x))
    again, unbound = bound.unbind()
    equal(jax.jit(again.apply)(unbound, x))
    wrapped = nnx.bridge.ToNNX(module, rngs=nnx.Rngs(0)).lazy_init(x)
    found = jax.tree.map(jnp.shape, wrapped(x))
    assert found == jax.tree.map(jnp.shape, y)


@every
def test_a_call_without_variables_says_what_to_call(name):
    module, x = EVERY[name]
    kind = type(module).__name__
    with pytest.raises(
        RuntimeError,
        match=rf"`{kind}` was called without variables, expected `network.apply\(variables, x\)`",
    ):
        module(x)
