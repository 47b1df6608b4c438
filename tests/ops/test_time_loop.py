"""A scan whose outputs take no memory before their time is a scan."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jslayer.ops.time_loop import chunked_loop, time_loop

ROWS = {
    "x": jnp.asarray(np.random.default_rng(0).normal(size=(6, 3)), jnp.float32),
    "n": jnp.arange(18, dtype=jnp.int32).reshape(6, 3),
}


def step(carry, row):
    carry = 0.5 * carry + row["x"]
    return carry, {
        "y": carry,
        "whole": row["n"] + 1,
        "mean": carry.mean(),
        "spread": carry[:2, None],
    }


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("devices", [1, 2])
def test_it_gives_what_a_scan_gives(reverse, batched, devices, monkeypatch):
    monkeypatch.setattr(jax, "device_count", lambda *_: devices)
    carry, rows = jnp.ones(3), ROWS
    found = lambda carry, rows: time_loop(step, carry, rows, reverse=reverse)
    expected = lambda carry, rows: lax.scan(step, carry, rows, reverse=reverse)
    if batched:
        carry = jnp.stack([carry, 2 * carry])
        rows = jax.tree.map(lambda leaf: jnp.stack([leaf, 3 * leaf]), rows)
        found, expected = jax.vmap(found), jax.vmap(expected)
    jax.tree.map(
        np.testing.assert_array_equal, jax.jit(found)(carry, rows), jax.jit(expected)(carry, rows)
    )


def test_one_step_and_no_neurons_at_all():
    same = lambda carry, row: (carry, row)
    np.testing.assert_array_equal(
        time_loop(same, jnp.zeros(2), jnp.ones((1, 2)))[1], np.ones((1, 2))
    )
    assert time_loop(same, jnp.zeros(0), jnp.ones((4, 0)))[1].shape == (4, 0)


def test_layers_in_a_row_take_the_memory_of_one():
    weight = jnp.eye(64)

    def layers(x):
        for _ in range(8):
            x = time_loop(lambda c, row: (c + row, c + row), jnp.zeros(64), x @ weight)[1]
        return x

    x = jax.ShapeDtypeStruct((100, 64), jnp.float32)
    temporary = jax.jit(layers).lower(x).compile().memory_analysis().temp_size_in_bytes
    assert temporary < 3 * 4 * x.size  # with `lax.scan` it is eight outputs and more


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [3, 8, 19])
def test_steps_of_a_gpu_in_chunks_are_the_same_steps(steps, reverse):
    def step(carry, x):
        carry = {"sum": carry["sum"] + x, "count": carry["count"] + 1}
        return carry, (carry["sum"] * 2, carry["count"])

    start = {"sum": jnp.zeros(3), "count": jnp.zeros(3, jnp.int32)}
    x = jnp.arange(3.0 * steps).reshape(steps, 3)
    found, expected = (
        jax.jit(functools.partial(loop, step, reverse=reverse))(start, x)
        for loop in (chunked_loop, time_loop)
    )
    jax.tree.map(np.testing.assert_array_equal, found, expected)
