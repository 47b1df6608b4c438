"""The kernel of every dynamics lowers for a GPU by both backends, with no GPU at hand."""

import re

import jax
import jax.numpy as jnp
import pytest

from jslayer import block, ops
from jslayer.ops.engines import kernel, obstacles, passes, select, tuning
from jslayer.ops.recurrent import run_recurrent
from tests.block import cases as blocks
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


def test_feedback_on_a_gpu_takes_steps_in_chunks_and_multiplies_in_full_precision(with_gpu):
    params = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03}

    def total(x, weight):
        return jnp.sum(run_recurrent(ops.Cuba(), params, None, x, weight)[0]["spike"])

    row = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)
    text = lowered(jax.grad(total, (0, 1)), row(24, 2, 4), row(4, 4))
    assert text.count("stablehlo.while") == 2
    assert "tensor<3x8x2x4xf32>" in text  # three times eight steps
    assert_full_precision(text)


@pytest.mark.parametrize("family", ["cuba", "rf", "sigma_delta"])
def test_products_of_networks_are_never_rounded_in_silence(family):
    home, fields = getattr(block, family), {**blocks.FIELDS[family], "implementation": "scan"}
    network = block.Sequential(
        [home.Conv(fields, 2, 3, 3), home.Pool(fields, 2), home.Flatten(), home.Dense(fields, 3, 2)]
    )
    x = jax.ShapeDtypeStruct((1, 2, 4, 4, 3), jnp.float32)
    variables = jax.eval_shape(network.init, jax.random.key(0), x)
    total = lambda params, rest, x: jnp.sum(network.apply({**rest, "params": params}, x) ** 2)
    params = variables.pop("params")
    gradient = lambda params, x: jax.grad(total)(params, variables_like(variables), x)
    assert_full_precision(lowered(gradient, params, x))


def variables_like(shapes):
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


def assert_full_precision(text):
    """No product of float32 may become one of TensorFloat-32, which a GPU has ten bits for."""
    products = re.findall(r".*stablehlo\.(?:dot_general|convolution)\b.*", text)
    assert products
    for line in products:
        assert "HIGHEST" in line, line
