"""Derivatives along a direction, of what has its derivative in reverse mode only."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp

Function = TypeVar("Function", bound=Callable[..., Any])


def jvp(
    function: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, Any]:
    """As `jax.jvp`, by two reverse passes: ``(f(x), J v)``.

    Networks define their gradient in reverse mode, and `jax.jvp`, `jax.jacfwd` and
    `jax.linearize` refuse them. A pull-back ``u -> J^T u`` is linear, and its own pull-back is
    ``v -> J v``. Products with the Hessian need nothing of the kind: ``jax.jvp(jax.grad(f), ..)``.

    Args:
      function: Maps arrays to a nest of arrays, all floats.
      primals: Arguments, nests of float arrays.
      tangents: A direction for each, of the same shapes.

    Returns:
      The value, and its derivative along the direction.

    Example:
      >>> from jslayer import neuron
      >>> leak = neuron.cuba.Neuron(1.0, 1.0, 0.5, readout=True)
      >>> x = jnp.array([[[1.0, 0.0, 0.0]]])
      >>> jvp(lambda x: leak.apply({}, x), (x,), (2 * x,))[1]
      Array([[[2. , 1. , 0.5]]], dtype=float32)
    """
    value, pull = jax.vjp(function, *primals)
    _, pull_back = jax.vjp(pull, jax.tree.map(jnp.zeros_like, value))
    (along,) = pull_back(tuple(tangents))
    return value, along


def reverse_only(function: Function) -> Function:
    """Decorates a function with a rule for reverse mode, to say what to do in forward mode."""

    @functools.wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except TypeError as error:
            if "forward-mode" not in str(error):
                raise
            raise TypeError(
                "Networks have gradients in reverse mode only, and this is jax.jvp, jax.jacfwd or "
                "jax.linearize; use `jslayer.ops.jvp`, jax.vjp or jax.jacrev instead."
            ) from None

    return cast(Function, call)
