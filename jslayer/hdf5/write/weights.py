"""The weights of a layer in integers, and what readers make of them."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.hdf5.write.numbers import check_shape, lookup, whole_even
from jslayer.synapse.base import Synapse

ALL_ZERO = (
    "all weights are zero, on which inference tools fail; train further, or start from "
    "larger weights (`weight_scale`)."
)

LOWEST_POWER = (
    "no weight is positive and the lowest is a negative power of two, which inference tools read "
    "as 1 or 2 more; change one weight."
)


def weights_in_use(
    synapse: Synapse, variables: Mapping[str, Any], place: str, scale: int
) -> dict[str, np.ndarray]:
    """The weights that a synapse computes with, times ``scale``.

    Args:
      synapse: The block's synapse, unattached.
      variables: The block's collections.
      place: Name of the synapse in them.
      scale: Integer weights per threshold unit.

    Returns:
      Even whole numbers as float32, shaped like the stored weight; under ``""``, or of a complex
      synapse under ``/real`` and ``/imag``.

    Raises:
      ValueError: a weight is missing, of another shape, or not quantised.
    """
    parts = ("real", "imag") if synapse.parts == 2 else ("",)
    if synapse.kind in ("pool", "unpool") and not synapse.weight_norm:
        params: dict[str, Any] = {part: {} for part in parts if part}
    else:
        found = {part: _stored(synapse, variables, f"{place}/{part}") for part in parts}
        params = found[""] if parts == ("",) else found
    # jitted as in training, so that a weight halfway between two steps falls to the same side
    used = jax.jit(synapse.weight_in_use)(params)
    used = used if isinstance(used, tuple) else (used,)
    suffixes = ("/real", "/imag") if synapse.parts == 2 else ("",)
    return {
        suffix: whole_even(f"weight{suffix}", one, scale)
        for suffix, one in zip(suffixes, used, strict=True)
    }


def _stored(synapse: Synapse, variables: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The stored parameters of one weight, of the right shape."""
    path = f"params/{place}".rstrip("/")
    names = ("weight_v", "weight_g") if synapse.weight_norm else ("weight",)
    stored = {name: jnp.asarray(lookup(variables, f"{path}/{name}")) for name in names}
    first = stored[names[0]]
    # where the layer takes its size from the input, the weight tells it
    open_ended = synapse.channel_field is not None and synapse.in_channels() is None
    channels = synapse.channels_of(first.shape) if open_ended and first.ndim > 1 else None
    shape = synapse.weight_shape(1 if open_ended and channels is None else channels)
    check_shape(f"{path}/{names[0]}", first, shape)
    if synapse.weight_norm:
        lengths = (shape[0], *(1 for _ in shape[1:]))
        check_shape(f"{path}/weight_g", stored["weight_g"], lengths)
    return stored


def mask_of(synapse: Synapse, weights: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The connections of a synapse, shaped like its weights in use; ``None`` for all."""
    if synapse.mask is None:
        return None
    return synapse.mask.over(next(iter(weights.values())).shape).astype(np.uint8)


def matrix_notes(weights: Mapping[str, np.ndarray]) -> list[str]:
    """What to warn about for weights that inference tools hold side by side as a matrix."""
    notes: list[str] = []
    for part in ("", "real", "imag"):
        entries = [w.reshape(-1) for name, w in weights.items() if name.partition("/")[2] == part]
        if not entries:
            continue
        side_by_side = np.concatenate(entries)
        if not side_by_side.any():
            notes.append(ALL_ZERO)
        elif side_by_side.max() <= 0 and math.log2(-side_by_side.min()).is_integer():
            notes.append(LOWEST_POWER)
    return list(dict.fromkeys(notes))


def kernel_notes(weights: Mapping[str, np.ndarray]) -> list[str]:
    """What to warn about for weights of kernels."""
    return [] if all(weight.any() for weight in weights.values()) else [ALL_ZERO]
