"""State that is carried from call to call, in the Flax collection ``state``.

One rule for neurons, delays, shifts and loops: the state is read where the collection is given,
written where it is mutable, and a call without it starts at rest and keeps nothing.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer.ops import layout, swept
from jslayer.ops.across_calls import AcrossCalls
from jslayer.ops.dynamics import Dynamics, Tree

COLLECTION = "state"
"""Name of the collection."""

LINK = "link"
"""Collection of what carries gradients across calls, where it is mutable.

See `jslayer.ops.across_calls`.
"""

State = Mapping[str, jax.Array]

Run = Callable[[Dynamics, Mapping[str, jax.Array], Tree | None, Tree], tuple[Tree, Tree]]
"""``(dynamics, params, state, x) -> (outputs, last state)``, as `jslayer.ops.engine.run`."""


def carry(
    module: nn.Module,
    enabled: bool,
    rest: Callable[[], State],
    run: Callable[[State | None], tuple[Any, State]],
) -> Any:
    """Runs from the kept state and keeps the last one.

    Args:
      module: Who keeps it, inside its compact method.
      enabled: ``False`` runs from rest and keeps nothing.
      rest: Gives the state at rest by name; its shapes and types are those kept.
      run: ``state -> (outputs, last state)``, with ``None`` for rest.

    Returns:
      The outputs.

    Raises:
      ValueError: the kept state has another shape, e.g. that of another batch size.
    """
    if not enabled:
        return run(None)[0]
    shapes = jax.eval_shape(rest)
    mutable = module.is_mutable_collection(COLLECTION)
    given = all(module.has_variable(COLLECTION, name) for name in shapes)
    if not given and not mutable:
        return run(None)[0]
    kept = {
        name: module.variable(COLLECTION, name, lambda name=name: rest()[name]) for name in shapes
    }
    for name, variable in kept.items():
        check_kept(name, variable.value.shape, shapes[name].shape)
    outputs, last = run({name: variable.value for name, variable in kept.items()})
    if mutable and not module.is_initializing():
        for name, variable in kept.items():
            variable.value = last[name]
    return outputs


def check_kept(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raises ``ValueError`` unless a kept state has the shape of this call's."""
    if shape != expected:
        raise ValueError(
            f"`state` holds {name} of shape {shape}, expected {expected} for this batch; "
            "pass data of the same batch size, or variables without the 'state' collection to "
            "start afresh."
        )


def carry_dynamics(
    module: nn.Module,
    enabled: bool,
    dynamics: Dynamics,
    x: jax.Array,
    run: Callable[[Tree | None], tuple[Any, Tree]],
) -> Any:
    """As `carry`, for the state of a dynamics: kept as ``[N, C, ...]`` under ``<name>_state``.

    Args:
      module: Who keeps it, inside its compact method.
      enabled: ``False`` runs from rest and keeps nothing.
      dynamics: Whose state it is.
      x: ``[T, N, ..., C]``, for the shapes.
      run: ``state -> (outputs, last state)`` in the inner order; ``None`` is rest.

    Returns:
      The outputs.
    """
    like = jax.ShapeDtypeStruct(x.shape[1:], jnp.float32)
    rest = jax.eval_shape(dynamics.init, like)
    outer = lambda tree: {f"{n}_state": layout.step_first(v) for n, v in tree.items()}

    def from_kept(kept):
        state = kept
        if kept is not None:
            state = {name: layout.step_last(kept[f"{name}_state"]) for name in rest}
        outputs, last = run(state)
        return outputs, outer(last)

    zeros = lambda: outer({name: jnp.zeros(v.shape, v.dtype) for name, v in rest.items()})
    return carry(module, enabled, zeros, from_kept)


def across_calls(module: nn.Module, run: Run) -> Run:
    """``run`` with a link to the next call for each dynamics that it is called with.

    Args:
      module: Who keeps the links, in collection `LINK`, inside its compact method.
      run: As `jslayer.ops.engine.run`.

    Returns:
      A function called as ``run``.
    """
    numbers = itertools.count()

    def run_across(dynamics: Dynamics, params: Any, state: Tree | None, x: Tree) -> Any:
        row = jnp.zeros_like(jax.tree.leaves(x)[0][0], jnp.float32)
        first = AcrossCalls(dynamics).init(row)
        link = module.variable(LINK, f"link_{next(numbers)}", lambda: first["link"])
        state = first["state"] if state is None else state
        dynamics, params = swept.apart(dynamics, params)
        outputs, last = run(AcrossCalls(dynamics), params, {"state": state, "link": link.value}, x)
        link.value = last["link"]
        return outputs, last["state"]

    return run_across
