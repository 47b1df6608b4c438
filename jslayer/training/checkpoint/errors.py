"""What can be wrong with a checkpoint: one exception, and a warning about NaN."""

import warnings
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.io.text import shown


class CheckpointError(ValueError):
    """A checkpoint that is damaged, or one of another network or optimiser.

    The message names the file or folder, what is wrong and what to do.
    """


def report_nan(source: str, leaves: Mapping[str, Any]) -> None:
    """Warns if a checkpoint holds NaN, from which no training recovers.

    Args:
      source: The checkpoint, as the warning calls it.
      leaves: What it holds, by name.

    Warns:
      UserWarning: with the names of the first few arrays.
    """
    names = [name for name, leaf in leaves.items() if _has_nan(leaf)]
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        listed = ", ".join(map(shown, names[:3]))
        warnings.warn(
            f"{source} holds NaN in {listed}{more}; go on from an earlier checkpoint, with a lower "
            "learning rate or with clipped gradients.",
            stacklevel=3,
        )


def _has_nan(leaf: Any) -> bool:
    if isinstance(leaf, float):
        return leaf != leaf
    if not jnp.issubdtype(getattr(leaf, "dtype", np.int32), jnp.inexact):
        return False
    if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
        return bool(jnp.isnan(leaf).any())
    return bool(np.isnan(np.asarray(leaf)).any())
