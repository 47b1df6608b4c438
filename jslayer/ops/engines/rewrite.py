"""Rewrites a step in fewer primitives, since no GPU backend knows all of JAX's.

Calls are written out, sums of cotangents become ordinary sums, and rounding goes by way of
integers. Every rewrite keeps the values.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Literal

CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr"}
CALLS |= {"custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}
"""Primitives that call a function, and what it is called in their parameters."""


def rewritten(step: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function equal to ``step``, of nests of arrays, in few primitives."""

    def run(*inputs):
        closed, shape = jax.make_jaxpr(step, return_shape=True)(*inputs)
        values = _evaluate(closed.jaxpr, closed.consts, jax.tree.leaves(inputs))
        return jax.tree.structure(shape).unflatten(values)

    return run


def _evaluate(jaxpr, consts, inputs):
    known = dict(zip(jaxpr.constvars, consts, strict=True))
    known |= zip(jaxpr.invars, inputs, strict=True)
    read = lambda atom: atom.val if isinstance(atom, Literal) else known[atom]
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        values = [read(atom) for atom in equation.invars]
        if name in CALLS:
            inner = params[CALLS[name]]
            values = _evaluate(inner.jaxpr, inner.consts, values)
        elif name in REWRITES and (out := REWRITES[name](*values, **params)) is not None:
            values = [out]
        else:
            static = equation.primitive.get_bind_params(params)
            values = equation.primitive.bind(*values, **static)
            values = values if equation.primitive.multiple_results else [values]
        known |= zip(equation.outvars, values, strict=True)
    return [read(atom) for atom in jaxpr.outvars]


def _floor(x):
    cut = x.astype(jnp.int32).astype(x.dtype)
    return _where_small(x, cut - (cut > x).astype(x.dtype))


def _round(x, rounding_method):
    if rounding_method != lax.RoundingMethod.TO_NEAREST_EVEN:
        return None
    below = _floor(x)
    part = x - below
    odd = (below.astype(jnp.int32) & 1) == 1
    up = (part > 0.5) | ((part == 0.5) & odd)
    return _where_small(x, below + up.astype(x.dtype))


def _where_small(x, rounded):
    """``rounded``, but ``x`` from 2^23 on, where every float is whole, and where it is NaN."""
    return lax.select(jnp.abs(x) < 2.0**23, rounded, x)


def _integer_pow(x, y):
    return 1 / lax.integer_pow(x, -y) if y < 0 else None


def _not(x):
    # not `jnp.where`, which would bring a call back in
    false, true = lax.full_like(x, False), lax.full_like(x, True)
    return lax.select(x, false, true) if x.dtype == jnp.bool_ else None


REWRITES: dict[str, Callable[..., Any]] = {
    "add_any": lambda a, b: a + b,
    "ceil": lambda x: -_floor(-x),
    "copy": lambda x: x,
    "floor": _floor,
    "integer_pow": _integer_pow,
    "is_finite": lambda x: jnp.abs(x) < jnp.inf,
    "not": _not,
    "reshard": lambda x, **_: x,  # a kernel runs on one device, whatever mesh is around it
    "round": _round,
    "stop_gradient": lambda x: x,
}
"""By primitive; ``None`` means that it stays as it is."""
