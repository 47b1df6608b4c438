"""The axes that every block turns: neighbours' turns cancel in the compiled program."""

import itertools
import math
import re

import jax
import jax.numpy as jnp

from jslayer.block import Sequential, cuba

BATCH, STEPS = 3, 7
SIZES = (11, 13, 17, 19)
NEURON = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.125}


def turns(text):
    """Instructions of a compiled program that move a whole activation, as its lines.

    A transpose into another layout than row-major moves nothing: it is another name for the same
    memory, and the copy behind it is what moves.
    """
    whole = {BATCH * STEPS * size for size in SIZES}
    found = []
    for line in text.splitlines():
        match = re.search(r"= \w+\[([\d,]+)\]\{([\d,]+)\S* (transpose|copy)\(", line)
        if not match or math.prod(map(int, match[1].split(","))) not in whole:
            continue
        axes = [int(axis) for axis in match[2].split(",")]
        if match[3] == "copy" or axes == sorted(axes, reverse=True):
            found.append(line.strip())
    return found


def test_three_blocks_in_a_row_turn_only_the_input_and_the_output():
    network = Sequential([cuba.Dense(NEURON, a, b) for a, b in itertools.pairwise(SIZES)])
    x = jnp.ones((BATCH, SIZES[0], STEPS))
    variables = jax.jit(network.init)(jax.random.key(0), x)
    compiled = jax.jit(network.apply).lower(variables, x).compile()
    left = turns(compiled.as_text())
    assert len(left) <= 2, "\n".join(left)
    assert any("blocks_0" in line for line in left)  # else the search would find nothing at all
