"""The axes that every block turns: neighbours' turns cancel in the compiled program."""

import math
import re

import jax
import jax.numpy as jnp
import pytest

from jslayer.block import Sequential, cuba, sigma_delta
from tests.block import cases

BATCH, STEPS = 3, 7
CUBA, CHANGES = cases.fields("cuba"), cases.fields("sigma_delta")
FLAT = (BATCH, 11, STEPS)
IMAGE = (BATCH, 3, 9, 10, STEPS)
NETWORKS = {
    "dense": ([cuba.Dense(CUBA, 11, 13), cuba.Dense(CUBA, 13, 17), cuba.Dense(CUBA, 17, 19)], FLAT),
    "conv": (
        [
            cuba.Conv(CUBA, 3, 5, 3),
            cuba.Conv(CUBA, 5, 7, 3, delay=True),
            cuba.Conv(CUBA, 7, 6, 3),
        ],
        IMAGE,
    ),
    "changes": (
        [
            sigma_delta.Conv(CHANGES, 3, 5, 3),
            sigma_delta.Conv(CHANGES, 5, 7, 3),
            sigma_delta.Conv(CHANGES, 7, 6, 3),
        ],
        IMAGE,
    ),
    "flatten": (
        [cuba.Conv(CUBA, 3, 5, 3), cuba.Flatten(), cuba.Dense(CUBA, None, 13)],
        IMAGE,
    ),
}


def compiled(name):
    """The network's program, and the sizes of its activations over all steps."""
    blocks, shape = NETWORKS[name]
    network, x = Sequential(blocks), jnp.ones(shape)
    variables = cases.fresh(network, shape)
    sizes, y = [], x
    for number, block in enumerate(blocks):
        own = {c: tree.get(f"blocks_{number}", {}) for c, tree in variables.items()}
        y = jax.eval_shape(block.apply, own, y)
        sizes.append(math.prod(y.shape))
    text = jax.jit(network.apply).lower(variables, x).compile().as_text()
    return text, math.prod(shape), sizes


def moves(text, size):
    """Instructions of a compiled program that move an activation of this size, as its lines.

    A transpose into another layout than row-major moves nothing: it is another name for the same
    memory, and the copy behind it is what moves.
    """
    found = []
    for line in text.splitlines():
        match = re.search(r"= \w+\[([\d,]+)\]\{([\d,]+)\S* (transpose|copy)\(", line)
        if not match or math.prod(map(int, match[1].split(","))) != size:
            continue
        axes = [int(axis) for axis in match[2].split(",")]
        if match[3] == "copy" or axes == sorted(axes, reverse=True):
            found.append(line.strip())
    return found


@pytest.mark.parametrize(("name", "devices"), [(name, 1) for name in NETWORKS] + [("dense", 2)])
def test_three_blocks_in_a_row_turn_only_the_input_and_the_output(name, devices, monkeypatch):
    monkeypatch.setattr(jax, "device_count", lambda *_: devices)  # a split batch stays an axis
    text, into, sizes = compiled(name)
    assert len({into, *sizes}) >= len(sizes)  # sizes tell the activations apart
    assert moves(text, into)  # else the search would find nothing at all
    assert len(moves(text, into)) <= 1
    *between, out = sizes
    # flattening has the channel slowest, so that one turn is what it is for
    allowed = 1 if name == "flatten" else 0
    for size in between:
        assert len(moves(text, size)) <= allowed, "\n".join(moves(text, size))
    assert len(moves(text, out)) <= 1


@pytest.mark.parametrize("name", ["conv", "changes"])
def test_convolutions_are_flat_ones_over_all_steps_of_all_samples(name):
    text, _, _ = compiled(name)
    lines = [line for line in text.splitlines() if re.search(r"\bconvolution\(", line)]
    assert len(lines) == 3
    for line in lines:
        assert f"[{BATCH * STEPS}," in line
        assert re.search(r"window=\{size=3x3[ }]", line)
