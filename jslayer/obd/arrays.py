"""Which library an array belongs to: NumPy in, NumPy out; JAX in, JAX out."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def namespace(*arrays: Any) -> Any:
    """Returns ``jax.numpy`` where one of ``arrays`` is JAX's or traced, or else ``numpy``.

    Data sets and metrics run on NumPy, whose functions do not compile anew for every number of
    boxes; losses and suppression run on JAX. Both count with the same formula.
    """
    return jnp if any(isinstance(array, jax.Array) for array in arrays) else np


def boxes(name: str, value: Any, *, at_least: int = 4) -> Any:
    """Returns ``value`` as an array of rows ``[.., >= at_least]``.

    Raises:
      ValueError: The last axis is shorter, or there is none.
    """
    array = value if isinstance(value, jax.Array) else np.asarray(value)
    if array.ndim < 1 or array.shape[-1] < at_least:
        raise ValueError(
            f"`{name}` has shape {array.shape}, expected [.., {at_least}] or more columns, a box "
            "in each row; add the missing columns."
        )
    return array
