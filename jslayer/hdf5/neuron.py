"""The ``neuron`` group of a layer, and what a norm adds to it."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import numpy as np

from jslayer.hdf5.numbers import check_shape, int64, lookup, whole_even

GRADED = (
    "spikes are graded, which inference tools ignore: they will send binary spikes; "
    "train with graded_spike=False."
)
SCALED = (
    "the norm's neuron/weight_exp is not 0, which inference tools ignore: "
    "their sums will not be divided; train with MeanOnlyBatchNorm."
)


def own(variables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The part of every collection that belongs to submodule ``name``."""
    return {collection: tree[name] for collection, tree in variables.items() if name in tree}


def neuron_datasets(
    neuron: nn.Module, variables: Mapping[str, Any], channels: int
) -> dict[str, Any]:
    """``neuron/*`` of a layer.

    Args:
      neuron: The block's neuron, unattached.
      variables: The block's collections.
      channels: Channels of the layer, which numbers that are not shared must have.

    Returns:
      Arrays and strings by path.

    Raises:
      ValueError: parameters are missing, or are not one per channel.
    """
    for name in _expected(neuron):
        lookup(variables, name)
    params = neuron.device_params(own(variables, "neuron"))
    return {f"neuron/{key}": _converted(key, value, channels) for key, value in params.items()}


def _expected(neuron):
    """Where the neuron keeps what its constructor does not tell."""
    if neuron.threshold_grad and not neuron.readout:
        yield "params/neuron/threshold"
    if neuron.requires_grad:
        yield "params/neuron"
    elif neuron.shared_param is not True:
        yield "constants/neuron"


def _converted(key, value, channels):
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return np.bool_(value)
    numbers = np.asarray(value)
    if numbers.ndim and numbers.size == len(numbers):
        numbers = numbers.reshape(-1)
    if numbers.ndim > 1:
        raise ValueError(
            f"`neuron/{key}` has shape {numbers.shape}, one number per neuron, expected one per "
            "layer or per channel; train with shared_param=True or False."
        )
    if numbers.ndim:
        check_shape(f"neuron/{key}", numbers, (channels,))
    return int64(numbers)


def norm_datasets(
    neuron: nn.Module, variables: Mapping[str, Any], channels: int
) -> tuple[dict[str, np.ndarray], list[str]]:
    """``bias``, and ``neuron/weight_exp`` of a norm that scales, from the running statistics.

    Args:
      neuron: The block's neuron, unattached.
      variables: The block's collections.
      channels: Channels of the layer.

    Returns:
      Arrays by path, and what is to be warned about.

    Raises:
      ValueError: statistics are missing or of another size.
    """
    if neuron.norm is None:
        return {}, []
    norm = neuron.norm(pre_hook=neuron.quantize_8bit, parent=None)
    place = "batch_stats/neuron/norm"
    mean = lookup(variables, f"{place}/running_mean")
    check_shape(f"{place}/running_mean", mean, (channels,))
    bias = np.asarray(norm.bias({"running_mean": mean}, 1))
    found = {"bias": whole_even("bias", bias, neuron.w_scale)}
    if not hasattr(norm, "weight_exp"):
        return found, []
    exponent = norm.weight_exp({"running_var": lookup(variables, f"{place}/running_var")})
    found["neuron/weight_exp"] = np.asarray(exponent, np.float32).reshape(1)
    return found, [SCALED] if found["neuron/weight_exp"].any() else []
