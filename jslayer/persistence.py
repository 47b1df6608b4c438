"""State that is carried from call to call, in the Flax collection ``state``.

One rule for neurons, delays, shifts and loops: the state is read where the collection is given,
written where it is mutable, and a call without it starts at rest and keeps nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax

COLLECTION = "state"
"""Name of the collection."""

LINK = "link"
"""Collection of what carries gradients from call to call, where it is mutable; see `ops.linked`."""

State = Mapping[str, jax.Array]


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
        if variable.value.shape != shapes[name].shape:
            raise ValueError(
                f"`state` holds {name} of shape {variable.value.shape}, expected "
                f"{shapes[name].shape} for this batch; pass data of the same batch size, or "
                "variables without the 'state' collection to start afresh."
            )
    outputs, last = run({name: variable.value for name, variable in kept.items()})
    if mutable and not module.is_initializing():
        for name, variable in kept.items():
            variable.value = last[name]
    return outputs
