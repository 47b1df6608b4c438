"""What every loop over time does at its ends: checks on entry, adjoints of the states."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jslayer.ops import check, swept
from jslayer.ops.dynamics import Dynamics, Tree


def checked(
    dynamics: Dynamics,
    params: Mapping[str, Any],
    state: Tree | None,
    x: Tree,
    *,
    layout: str,
    axes: int | None = None,
) -> tuple[Dynamics, dict[str, Any], Tree]:
    """Checks the arguments of a run and returns them as its loop takes them.

    Args:
      dynamics: The record of the neuron; its numbers may be arrays.
      params: Parameters by name.
      state: The given state, or ``None`` for rest.
      x: ``[T, *neurons]``, or a nest of such arrays.
      layout: What is expected of ``x``, for the message.
      axes: How many axes that has, if the number is fixed.

    Returns:
      The record as a static value, its parameters, among them the numbers that are arrays, and the
      state before the first step: ``state``, or that at rest.

    Raises:
      TypeError: ``x`` is not floating-point, the state has another type than at rest, or
        ``dynamics`` cannot be hashed.
      ValueError: ``x`` has another rank, no time step or (outside of `jit`) NaN or infinity, or a
        parameter or the state does not fit.
    """
    record, numbers_too = swept.apart(dynamics, params)
    try:
        hash(record)
    except TypeError as error:
        raise TypeError(
            f"`dynamics` is {dynamics!r}, whose fields cannot be hashed ({error}), expected "
            "numbers, strings, tuples and functions; pass arrays as parameters."
        ) from None
    leaves = jax.tree.leaves(x)
    for leaf in leaves:
        check.floating("x", leaf)
        check.rank("x", leaf, at_least=axes or 1, at_most=axes, layout=layout)
        check.time_steps("x", leaf, axis=0)
        check.finite("x", leaf)
    row = jnp.zeros_like(leaves[0][0], jnp.float32)
    rest = jax.eval_shape(dynamics.init, jax.ShapeDtypeStruct(row.shape, jnp.float32))
    if state is None:
        state = dynamics.init(row)
    check.same_types("state", state, rest)
    for leaf in jax.tree.leaves(state):
        check.one_step("state", leaf, of="x", like=leaves[0])
    for name, value in numbers_too.items():
        check.broadcasts(name, value, to=row.shape)
        check.no_nan(name, value)
    dynamics.check(params)
    return record, numbers_too, state


def adjoint_behind(dynamics: Dynamics, like: jax.Array, last_bar: Tree) -> Tree:
    """Adjoint state behind the last step, from the cotangent of the last state.

    Float states carry a gradient from one call to the next, integer ones do not.
    """
    bar = dynamics.adjoint_init(like)
    if jax.tree.structure(bar) != jax.tree.structure(last_bar):
        return bar
    return jax.tree.map(lambda z, b: z if b.dtype == jax.dtypes.float0 else b, bar, last_bar)


def state_cotangent(bar: Tree, last_bar: Tree) -> Tree | None:
    """Cotangent of the state before the first step, from the adjoint state there."""
    if jax.tree.structure(bar) != jax.tree.structure(last_bar):
        return None
    return jax.tree.map(lambda b, z: None if z.dtype == jax.dtypes.float0 else b, bar, last_bar)
