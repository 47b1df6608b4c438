"""What a norm, and a neuron's own bias, become in the file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jslayer.hdf5.limits import BIAS_RANGE
from jslayer.hdf5.write.content import Content
from jslayer.hdf5.write.numbers import check_shape, lookup, whole_bias
from jslayer.neuron.base import Neuron

SCALED = (
    "the norm's neuron/weight_exp is not 0, which inference tools ignore: "
    "their sums will not be divided; train with MeanOnlyBatchNorm."
)
DRIVE_BIAS = (
    "the bias acts on the input of an ALIF neuron, as in training; tools that add it to the "
    "voltage, as that of other neurons, will differ."
)
COMPLEX_NORM = (
    "the norms of a complex neuron have no place in the format, which knows one real bias: "
    "inference tools leave them out; they are kept as attributes, for `hdf5.load`."
)
ROUNDED = (
    "the neuron's own bias is rounded to whole numbers, by up to {error:.2g} of 1 / scale; it is "
    "kept exactly as an attribute, for `hdf5.load`."
)


def norm_content(neuron: Neuron, variables: Mapping[str, Any], channels: int) -> Content:
    """``bias``, and ``neuron/weight_exp`` of a norm that scales, from the running statistics.

    Args:
      neuron: The block's neuron, unattached.
      variables: The block's collections.
      channels: Channels of the layer.

    Returns:
      Arrays by path; of a complex neuron, for which the format has no place, attributes.

    Raises:
      ValueError: statistics are missing or of another size.
    """
    found = Content()
    if neuron.norm is None:
        return found
    norm = neuron.norm(pre_hook=neuron.quantize_8bit, parent=None)
    if not hasattr(norm, "bias"):
        raise ValueError(
            f"`norm` is a {type(norm).__name__}, expected one whose mean is a bias, as "
            "MeanOnlyBatchNorm; the file holds no other."
        )
    for name in neuron.norm_names:
        bias, exponent = _statistics(norm, neuron, variables, name, channels)
        if neuron.complex_input:
            part = name.removesuffix("_norm")
            found.attributes[f"{part}_bias"] = bias
            if exponent is not None:
                found.attributes[f"{part}_weight_exp"] = exponent[0]
        else:
            found.datasets["bias"] = bias
            if exponent is not None:
                found.datasets["neuron/weight_exp"] = exponent
                found.notes += [SCALED] if exponent.any() else []
    if neuron.complex_input:
        found.notes.append(COMPLEX_NORM)
    elif getattr(neuron, "device_type", "") == "ALIF" and found.datasets["bias"].any():
        found.notes.append(DRIVE_BIAS)
    return found


def _statistics(norm, neuron, variables, name, channels):
    """The bias of a norm in integers, and its exponent or ``None``."""
    place = f"batch_stats/neuron/{name}"
    mean = lookup(variables, f"{place}/running_mean")
    check_shape(f"{place}/running_mean", mean, (channels,))
    bias = whole_bias("bias", norm.bias({"running_mean": mean}, 1), neuron.w_scale)
    if not hasattr(norm, "weight_exp"):
        return bias, None
    exponent = norm.weight_exp({"running_var": lookup(variables, f"{place}/running_var")})
    return bias, np.asarray(exponent, np.float32).reshape(1)


def own_bias(neuron: Neuron, variables: Mapping[str, Any], channels: int, found: Content) -> None:
    """Adds a sigma-delta neuron's own bias to the ``bias`` that its norm has left in ``found``.

    Raises:
      ValueError: the bias is missing, one per neuron of an image, or beyond the file's range.
    """
    if getattr(neuron, "bias", None) is None:
        return
    collection = "params" if neuron.requires_grad else "constants"
    stored = np.asarray(lookup(variables, f"{collection}/neuron/bias"), np.float32)
    if stored.ndim > 1:
        raise ValueError(
            f"`neuron/bias` has shape {stored.shape}, one number per neuron, expected one per "
            "layer or per channel; train with bias_param=True or False."
        )
    check_shape(f"{collection}/neuron/bias", stored, (channels,) if stored.ndim else ())
    scaled = stored.astype(np.float64) * neuron.w_scale
    rounded = np.round(scaled) + 0.0
    total = np.broadcast_to(rounded, (channels,)) + found.datasets.get("bias", 0.0)
    if (np.abs(total) > BIAS_RANGE[1]).any():
        raise ValueError(
            f"`bias` times scale {neuron.w_scale} reaches {np.abs(total).max():g}, expected at "
            f"most {BIAS_RANGE[1]}; train with a smaller bias."
        )
    found.datasets["bias"] = total.astype(np.float32)
    found.attributes["neuron_bias"] = stored
    error = float(np.abs(scaled - rounded).max())
    if error:
        found.notes.append(ROUNDED.format(error=error))
