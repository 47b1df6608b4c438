"""Networks of every kind of block: parts of a recording equal the whole, in every family."""

import functools
import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jslayer import block
from jslayer.block import Loop, Sequential, alif, cuba, sigma_delta
from tests.block import cases

LONG = 7
STEPS = 4 * LONG + 1
"""Parts have one step or seven: each length is compiled once."""

IMAGE = (2, 2, 3, 3, STEPS)
ROWS = (2, 3, STEPS)


def every_kind(family):
    """The kinds with a state in one network, with delays where they can have them."""
    home = getattr(block, family)
    quick = {"period": 4.5} if "period" in cases.FIELDS[family] else {}
    neuron = cases.fields(family, persistent_state=True, **quick)
    # changes that are fed back add up: small weights keep their sums exact
    loud, fed = (2, 1) if family == "sigma_delta" else (4, 4)
    options = {"weight_scale": loud, "delay_shift": True, "count_log": True}
    biases = {"custom": {"bias": 2.0}, "sigma_delta": {"bias": 0.25}}
    return Sequential(
        [
            home.Input(neuron, delay_shift=True, count_log=True),
            home.Conv(neuron, None, 3, 2, delay=True, **options),
            home.Flatten(),
            home.Dense(neuron, None, 6, delay=True, **{**options, "delay_shift": False}),
            home.Recurrent(neuron, None, 6, delay=True, **{**options, "weight_scale": fed}),
            home.KWTA(neuron, None, 6, 3, **options, **biases.get(family, {})),
            home.Affine(neuron, None, 3),
        ]
    )


def pictures():
    """The kinds for images that `every_kind` has not."""
    neuron = cases.fields("cuba", persistent_state=True)
    return Sequential(
        [
            cuba.Unpool(neuron, 2, delay=True, count_log=True),
            cuba.Pool(neuron, 2, delay=True, count_log=True),
            cuba.ConvT(neuron, None, 3, 2, stride=2, weight_scale=4, delay=True, count_log=True),
        ]
    )


class Around(nn.Module):
    """Two layers of which the second drives the first, with a skip path and a delay."""

    @nn.compact
    def __call__(self, x, back, *, train=False):
        neuron = cases.fields("cuba", persistent_state=True)
        y = cuba.Dense(neuron, None, 6, weight_scale=4, delay=True)(
            jnp.concatenate([x, back], axis=1), train=train
        )
        z = alif.Dense(cases.fields("alif", persistent_state=True), None, 4, weight_scale=4)
        return z(jnp.concatenate([x, y], axis=1), train=train)


def mixed():
    """A convolution of changes, then leaky, adaptive and competing layers."""
    fields = functools.partial(cases.fields, persistent_state=True)
    loud = {"weight_scale": 4, "count_log": True}
    return Sequential(
        [
            sigma_delta.Conv(fields("sigma_delta"), None, 3, 2, **loud),
            cuba.Conv(fields("cuba"), None, 4, 2, delay=True, **loud),
            cuba.Flatten(),
            alif.Dense(fields("alif"), None, 10, delay=True, **loud),
            cuba.Recurrent(fields("cuba"), None, 8, **loud),
            Loop(Around()),
            cuba.KWTA(fields("cuba"), None, 6, 2, **loud),
        ]
    )


NETWORKS = {
    **{family: (functools.partial(every_kind, family), IMAGE) for family in cases.FAMILIES},
    "pictures": (pictures, IMAGE),
    "mixed": (mixed, IMAGE),
    "loop": (lambda: Loop(Around()), ROWS),
}


@functools.cache
def ready(name):
    """A jitted network, its first variables and the shape of its input."""
    build, shape = NETWORKS[name]
    network = build()

    def run(variables, x):
        found, updated = network.apply(variables, x, mutable=["state"])
        return *(found if isinstance(found, tuple) else (found, [])), updated

    return jax.jit(run), cases.fresh(network, shape), shape


QUICK = ("cuba", "rf_iz", "loop")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in NETWORKS],
)
@settings(max_examples=3)
@given(order=st.permutations([LONG] * 3 + [1] * 8), seed=st.integers(0, 2**16))
@example(order=[LONG, 1, LONG, LONG, LONG], seed=0)
def test_parts_equal_the_whole(name, order, seed):
    run, variables, shape = ready(name)
    ends = [0, *itertools.accumulate(order)]
    # events on both sides of every border
    x = np.array(cases.events(shape, seed, rate=0.4))
    for end in ends[1:-1]:
        x[..., 0, end - 1 : end + 1] = 2
    whole, counts, last = run(variables, x)
    if seed == 0:
        assert all(count > 0 for count in counts if count is not None), counts
        assert np.asarray(whole).any()
    parts, state = [], {}
    for start, stop in itertools.pairwise(ends):
        y, _, state = run({**variables, **state}, x[..., start:stop])
        parts.append(y)
    np.testing.assert_array_equal(np.concatenate(parts, -1), whole)
    jax.tree.map(np.testing.assert_array_equal, state["state"], last["state"])
