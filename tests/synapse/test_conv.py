"""Convolutions against loops over single connections, on whole numbers: everything is equal."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.synapse import Conv, ConvTranspose, convolve
from tests.synapse import cases, reference

GEOMETRIES = [
    {"kernel_size": 3},
    {"kernel_size": 1},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)},
    {"kernel_size": (2, 3), "stride": 3},
    {"kernel_size": 2, "stride": 2, "padding": 1, "groups": 2},
    {"kernel_size": (1, 2), "dilation": (3, 2), "groups": 4},
    {"kernel_size": (5, 3), "padding": (2, 0), "stride": (1, 2)},
]
SIDES = {Conv: reference.conv, ConvTranspose: reference.conv_transpose}


def options(geometry):
    return {k: v for k, v in geometry.items() if k != "kernel_size"}


@pytest.mark.parametrize("kind", SIDES)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_values_and_gradients_are_those_of_the_loops(kind, geometry):
    layer, loops = kind(4, 8, **geometry), SIDES[kind]
    x, weight = cases.whole(cases.IMAGE, 0), cases.whole(layer.weight_shape(), 1)
    y = loops(x, weight, **options(geometry))
    np.testing.assert_array_equal(cases.apply(layer, {"weight": weight}, x), y)
    cotangent = cases.whole(y.shape, 2)
    params_bar, x_bar = cases.pull(layer, {"weight": weight}, x, cotangent)
    for seed in range(3):  # linear in either argument: the slope along a direction is a value there
        dx, dw = cases.whole(x.shape, 10 + seed), cases.whole(weight.shape, 20 + seed)
        along_x = np.sum(cotangent * loops(dx, weight, **options(geometry)))
        along_w = np.sum(cotangent * loops(x, dw, **options(geometry)))
        assert np.sum(np.float64(x_bar) * dx) == along_x
        assert np.sum(np.float64(params_bar["weight"]) * dw) == along_w


@pytest.mark.parametrize("kind", SIDES)
def test_grouped_convolutions_of_other_machines_give_the_same(kind, monkeypatch):
    layer = kind(4, 6, (3, 2), stride=2, padding=1, dilation=(1, 2), groups=2)
    x, params = cases.whole(cases.IMAGE, 0), {"weight": cases.whole(layer.weight_shape(), 1)}
    here = cases.apply(layer, params, x)
    cotangent = cases.whole(here.shape, 2)
    gradients = cases.pull(layer, params, x, cotangent)
    monkeypatch.setattr(
        convolve.lax, "platform_dependent", lambda *args, cpu, default: default(*args)
    )
    np.testing.assert_array_equal(cases.apply(layer, params, x), here)
    jax.tree.map(np.testing.assert_array_equal, cases.pull(layer, params, x, cotangent), gradients)


def test_padding_beyond_the_kernel_cuts_the_transposed_output():
    layer = ConvTranspose(4, 2, 2, stride=3, padding=3)
    x, weight = cases.whole(cases.IMAGE, 0), cases.whole(layer.weight_shape(), 1)
    y = reference.conv_transpose(x, weight, stride=3, padding=3)
    np.testing.assert_array_equal(cases.apply(layer, {"weight": weight}, x), y)


@pytest.mark.parametrize("kind", SIDES)
def test_initial_weights_fill_the_interval_of_the_fan_in(kind):
    layer = kind(16, 32, (3, 2), groups=2, weight_scale=3)
    weight = jax.jit(layer.init)(jax.random.key(0), jnp.ones((1, 16, 4, 4, 1)))["params"]["weight"]
    fan_in = {Conv: 8 * 6, ConvTranspose: 16 * 6}[kind]
    assert weight.shape == {Conv: (32, 8, 3, 2), ConvTranspose: (16, 16, 3, 2)}[kind]
    assert 0.97 * 3 < np.abs(weight).max() * math.sqrt(fan_in) <= 3
    assert abs(np.mean(weight)) * math.sqrt(fan_in) < 0.1


@pytest.mark.parametrize("kind", SIDES)
def test_weight_norm_keeps_axis_0_and_changes_nothing_at_the_start(kind):
    x = jnp.asarray(cases.whole((2, 2, 3, 3, 1), 0))
    plain, normed = kind(2, 3, 3, padding=1), kind(2, 3, 3, padding=1, weight_norm=True)
    both = jax.jit(normed.init)(jax.random.key(1), x)["params"]
    params = {"weight": both["weight_v"]}
    assert both["weight_g"].shape == (params["weight"].shape[0], 1, 1, 1)
    np.testing.assert_allclose(
        cases.apply(normed, both, x), cases.apply(plain, params, x), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("kind", SIDES)
@pytest.mark.parametrize("groups", [1, 2])
def test_layers_map_over_an_axis_of_trials(kind, groups):
    layer = kind(4, 6, 3, groups=groups)
    x = cases.whole((3, *cases.IMAGE), 0)
    weight = cases.whole((3, *layer.weight_shape()), 1)
    one = lambda w, x: layer.apply({"params": {"weight": w}}, x)
    squares = lambda w, x: jnp.sum(one(w, x) ** 2)
    together = jax.jit(jax.vmap(jax.grad(squares)))(weight, x)
    apart = jnp.stack([jax.jit(jax.grad(squares))(w, a) for w, a in zip(weight, x, strict=True)])
    np.testing.assert_array_equal(together, apart)


def test_a_convolution_moves_no_whole_activation(monkeypatch):
    monkeypatch.setattr(jax, "device_count", lambda *_: 1)  # a split batch is turned to the front
    layer = Conv(5, 7, 3, padding=1)
    x = jnp.ones((11, 3, 8, 9, 5))  # [T, N, H, W, C]
    variables = {"params": cases.parameters(layer)}
    run = jax.jit(lambda v, x: layer.apply(v, x, method="time_first"))
    text = run.lower(variables, x).compile().as_text()
    moves = lambda text: [
        match[0]
        for match in re.finditer(r"= \w+\[([\d,]+)\]\S* (transpose|copy)\(.*", text)
        if math.prod(map(int, match[1].split(","))) in (x.size, x.size // 5 * 7)
    ]
    assert not moves(text)
    outside = jax.jit(layer.apply).lower(variables, jnp.ones((3, 5, 8, 9, 11))).compile()
    assert moves(outside.as_text())  # else the search would find nothing at all
