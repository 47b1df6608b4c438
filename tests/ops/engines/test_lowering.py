"""The kernel of every dynamics lowers for a GPU by both backends, with no GPU at hand."""

import re

import jax
import jax.numpy as jnp
import pytest

from jslayer.ops.engines import kernel, obstacles, passes, select, tuning
from tests.ops.engines.cases import BY_NAME, DYNAMICS
from tests.ops.engines.lowering import kernels, lowered, mosaic_modules

QUICK = ("cuba traced", "nested")
UNSIGNED = re.compile(r"(?:cmpi u|uitofp|fptoui|shrui|divui|remui|maxui|minui).*: vector<\d+xi32>")
"""Unsigned arithmetic on rows of integers; that on indices is nobody's concern."""


def backend(name):
    module = select.backend(name)
    if module is None:
        pytest.skip(f"this version of JAX has no {name}")
    return module


@pytest.mark.parametrize("host", select.BACKENDS)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(case.name, marks=() if case.name in QUICK else pytest.mark.slow)
        for case in DYNAMICS
    ],
)
def test_every_pass_is_one_kernel_without_a_loop_outside_and_keeps_signs(name, host, monkeypatch):
    module, primitives = backend(host), select.PRIMITIVES[host]()
    # lowering takes as long as its chunk of steps: two, and eight for those that stand for all
    steps = 9 if name in QUICK else 3
    for walk, *nests in BY_NAME[name].passes(steps, 256).values():
        assert obstacles.obstacle(walk, *nests, primitives) is None
        with mosaic_modules(monkeypatch) as modules:
            text = lowered(lambda *nests, walk=walk: kernel.run(module, walk, *nests), *nests)
        assert kernels(text) == (1, 0)
        assert len(modules) == (host == "mosaic")
        for found in modules:
            assert "vector<" in found
            assert not UNSIGNED.findall(found)


@pytest.mark.parametrize("host", select.BACKENDS)
@pytest.mark.parametrize("tile", [tuning.Tile(256, 2, 8), tuning.Tile(512, 4, 4)])
def test_large_tiles_lower_too(host, tile):
    walk, *nests = BY_NAME["cuba"].passes(9, 512)["training"]
    run = lambda *nests: kernel.run(backend(host), walk, *nests, tile=tile)
    assert kernels(lowered(run, *nests)) == (1, 0)


@pytest.mark.parametrize("host", select.BACKENDS)
def test_mapped_over_a_batch_it_stays_one_kernel(host):
    walk, *nests = BY_NAME["cuba"].passes(9, 40)["training"]
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), nests)
    run = lambda *nests: kernel.run(backend(host), walk, *nests)
    assert kernels(lowered(jax.vmap(run), *batch)) == (1, 0)


@pytest.mark.parametrize("host", select.BACKENDS)
def test_it_lowers_with_64_bit_numbers_switched_on(host):
    with jax.enable_x64(True):
        for walk, *nests in BY_NAME["cuba traced"].passes(9, 128).values():
            run = lambda *nests, walk=walk: kernel.run(backend(host), walk, *nests)
            assert kernels(lowered(run, *nests)) == (1, 0)


FUNCTIONS = {
    "tanh": jnp.tanh,
    "exp2": jnp.exp2,
    "log": lambda x: jnp.log(jnp.abs(x)),
    "logistic": jax.nn.sigmoid,
    "cos": lambda x: jnp.cos(x) + jnp.sin(x),
    "rsqrt": lambda x: jax.lax.rsqrt(jnp.square(x)),
    "powers": lambda x: x**3 + x**-2,
    "clamp": lambda x: jax.lax.clamp(jnp.float32(0), x, jnp.float32(1)),
    "trunc": jnp.trunc,
    "booleans": lambda x: (~(x > 0) ^ ((x < 1) | (x == 3))).astype(jnp.float32),
    "shifts": lambda x: ((x.astype(jnp.int32) << 3) >> 1).astype(jnp.float32),
    "division": lambda x: (x.astype(jnp.int32) // 3 % 5).astype(jnp.float32),
    "logical shift": lambda x: jax.lax.shift_right_logical(
        x.astype(jnp.int32), jnp.int32(2)
    ).astype(jnp.float32),
    "complement": lambda x: (~x.astype(jnp.int32)).astype(jnp.float32),
    "half": lambda x: x.astype(jnp.bfloat16).astype(jnp.float32),
    "calls": lambda x: jax.nn.relu(jax.jit(jnp.sign)(x)),
    "gelu and its derivative": lambda x: jax.vjp(jax.nn.gelu, x)[1](x)[0],
    "sqrt": lambda x: jnp.sqrt(jnp.abs(x)),
    "softplus": lambda x: jnp.log1p(jnp.exp(x)),
    "tan": jnp.tan,
    "erf": jax.lax.erf,
}


@pytest.mark.slow
@pytest.mark.parametrize("host", select.BACKENDS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_called_possible_lowers(name, host):
    walk = passes.Pass("function", lambda fixed, carry, x: (carry, FUNCTIONS[name](x)))
    nests = {}, {"state": jnp.ones(128)}, jnp.ones((2, 128))
    obstacle = obstacles.obstacle(walk, *nests, select.PRIMITIVES[host]())
    if obstacle is None:
        run = lambda *nests: kernel.run(backend(host), walk, *nests)
        assert kernels(lowered(run, *nests)) == (1, 0)
    else:
        assert name in ("sqrt", "softplus", "tan", "erf")
