"""What a GPU backend cannot lower, found before it is asked to.

Compilation happens long after tracing, inside the user's `jit`, and may take the process down; so
nobody tries a kernel and falls back on an error.
"""

import itertools
import math

import jax
import jax.numpy as jnp

from jslayer.ops import layout
from jslayer.ops.dynamics import Tree
from jslayer.ops.engines.passes import Pass
from jslayer.ops.engines.rewrite import rewritten

EVERYWHERE = frozenset(
    "abs add and broadcast_in_dim clamp convert_element_type cos div eq exp exp2 ge gt integer_pow "
    "le log logistic lt max min mul ne neg not one_minus_square or rem rsqrt select_n "
    "shift_left shift_right_arithmetic shift_right_logical sign sin square sub tanh xor".split()
)
"""Primitives that both backends lower, in all versions of JAX that jslayer takes."""

DTYPES = tuple(map(jnp.dtype, ("float32", "int32", "bfloat16", "float16", "int8")))
"""Types of arrays that are read and written."""


def mosaic() -> frozenset[str]:
    """Primitives of Mosaic in this version of JAX."""
    return EVERYWHERE | {"sqrt"} if jax.__version_info__ >= (0, 11) else EVERYWHERE


def triton() -> frozenset[str]:
    """Primitives of Triton."""
    return EVERYWHERE | {"sqrt", "pow", "expm1", "log1p"}


def obstacle(
    of: Pass,
    fixed: Tree,
    carry: Tree,
    inputs: Tree,
    primitives: frozenset[str],
    *,
    takes_varying: bool = False,
) -> str | None:
    """Says why a kernel cannot run a pass, or ``None`` if it can.

    Args:
      of: The pass.
      fixed: ``[*neurons]`` arrays.
      carry: ``[*neurons]`` arrays.
      inputs: ``[T, *neurons]`` arrays.
      primitives: What the backend lowers.
      takes_varying: Whether arrays may vary over the axes of a `jax.shard_map` that checks it.
    """
    arrays = jax.tree.leaves(inputs)
    if not arrays or not arrays[0].size:
        return "there are no neurons"
    if arrays[0].size >= 2**31:
        return f"{arrays[0].shape} has 2^31 or more entries"
    if not takes_varying and layout.varies(fixed, carry, inputs):
        return "`jax.shard_map` was not told `check_vma=False`"
    neurons = math.prod(arrays[0].shape[1:])
    row = lambda leaf: jax.ShapeDtypeStruct((neurons,), jnp.result_type(leaf))
    step = rewritten(of.step)
    closed = jax.make_jaxpr(step)(*jax.tree.map(row, (fixed, carry, inputs)))
    if any(jnp.ndim(value) for value in closed.consts):
        return "the step holds arrays of its own; pass them as parameters"
    equations = closed.jaxpr.eqns
    unknown = {_name(equation) for equation in equations} - primitives
    if unknown:
        return f"the step uses {', '.join(sorted(unknown))}"
    for value in itertools.chain(closed.in_avals, closed.out_avals):
        if value.dtype not in DTYPES:
            return f"the step has arrays of {value.dtype}"
    for value in itertools.chain.from_iterable(equation.outvars for equation in equations):
        if value.aval.shape not in ((), (neurons,)) or value.aval.dtype.itemsize > 4:
            return f"the step computes {value.aval}, not one number of 32 bits for each neuron"
    return None


def _name(equation):
    name, of = equation.primitive.name, equation.invars[0].aval.dtype if equation.invars else None
    if name == "rem" and not jnp.issubdtype(of, jnp.integer):
        return "floating-point rem"
    return name
