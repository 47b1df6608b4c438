"""Lets `jax_debug_nans` see a NaN that the integers of a neuron would swallow."""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from jslayer.ops.dynamics import Tree


def visible(outputs: dict[str, jax.Array], x: Tree, *constant: Any) -> dict[str, jax.Array]:
    """Outputs, with NaN where the input of that step, or anything constant, holds one.

    An integer cannot hold NaN, and what comes of it looks healthy. `jax.experimental.checkify` sees
    it nevertheless, in the product just before the truncation; ``jax_debug_nans`` sees only what
    leaves a jitted function. So this does something only if that is set while a function is traced.

    Args:
      outputs: Each ``[T, *neurons]`` float32.
      x: ``[T, *neurons]``, or a nest of such arrays.
      *constant: Nests of what holds for all steps: parameters, weights.

    Returns:
      ``outputs``, by name.
    """
    if not getattr(jax.config, "jax_debug_nans"):  # noqa: B009  not in its type
        return outputs
    wrong = functools.reduce(jnp.logical_or, map(jnp.isnan, jax.tree.leaves(x)))
    for leaf in jax.tree.leaves(constant):
        wrong = wrong | jnp.any(jnp.isnan(leaf))
    held = lambda output: jnp.issubdtype(output.dtype, jnp.floating)
    shown = lambda output: jnp.where(wrong, jnp.nan, output) if held(output) else output
    return {name: shown(output) for name, output in outputs.items()}
