"""From the biases of a file to norms that give them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import neuron as neurons
from jslayer.hdf5.limits import HIGHEST, LOWEST
from jslayer.hdf5.load.options import Options
from jslayer.hdf5.records import Layer


class UnquantizedMean(neurons.MeanOnlyBatchNorm):
    """Takes the running mean as it is: for a file whose biases are odd, or beyond 8 bits."""

    def hooked(self, mean: jax.Array) -> jax.Array:
        """The mean itself."""
        return mean


class UnquantizedScale(neurons.WgtScaleBatchNorm):
    """Takes the running mean as it is, see `UnquantizedMean`."""

    def hooked(self, mean: jax.Array) -> jax.Array:
        """The mean itself."""
        return mean


def loaded_norm(layer: Layer, scale: int, options: Options) -> tuple[Any, dict[str, Any]]:
    """The norm whose running mean gives the biases of a layer, and its statistics.

    Returns:
      A norm class, or ``None`` for no norm, and ``batch_stats``.
    """
    if layer.neuron.sigma_output or layer.attributes.get("block") == "KWTA":
        return None, {}
    if layer.neuron.is_complex:
        return _complex(layer, scale, options)
    if layer.bias is None:
        return None, {}
    own = own_bias(layer, options)
    bias = np.broadcast_to(np.asarray(layer.bias, np.float64), layer.shape[:1])
    if own is not None:
        bias = bias - np.round(np.asarray(own, np.float64) * scale)
        if not bias.any():
            return None, {}
    exponent = layer.neuron.weight_exp
    kind = _kind([bias], exponent)
    return kind, {"norm": _statistics(bias, exponent, scale)}


def _complex(layer, scale, options):
    parts, exponents = {}, {}
    for part in ("real", "imag"):
        if f"{part}_bias" in layer.attributes:
            bias = layer.attributes[f"{part}_bias"]
            if not _fits(bias, layer):
                came = f"has the attribute {part}_bias {bias!r}"
                raise options.fault(layer, "", came, "one finite number per channel")
            parts[part] = np.broadcast_to(np.asarray(bias, np.float64), layer.shape[:1])
            exponents[part] = layer.attributes.get(f"{part}_weight_exp")
    if not parts:
        return None, {}
    if len(parts) == 1:
        raise options.fault(layer, "", "has the bias of one part", "that of both")
    scaled = all(isinstance(exponent, float) for exponent in exponents.values())
    kind = _kind(list(parts.values()), 0.0 if scaled else None)
    return kind, {
        f"{part}_norm": _statistics(bias, exponents[part] if scaled else None, scale)
        for part, bias in parts.items()
    }


def own_bias(layer: Layer, options: Options) -> np.ndarray | None:
    """A sigma-delta neuron's own bias, exactly as it was trained, ``[]`` or ``[C]``."""
    if layer.neuron.type != "SDNN" or "neuron_bias" not in layer.attributes:
        return None
    bias = layer.attributes["neuron_bias"]
    if not _fits(bias, layer):
        came = f"has the attribute neuron_bias {bias!r}"
        raise options.fault(layer, "", came, "one finite number, or one per channel")
    return np.asarray(bias, np.float32)


def _fits(value: Any, layer: Layer) -> bool:
    if isinstance(value, bool | str):
        return False
    return np.shape(value) in ((), layer.shape[:1]) and bool(np.isfinite(value).all())


def _kind(biases, exponent):
    """The norm class that can hold the numbers."""
    whole = all(
        (bias % 2 == 0).all() and bias.min() >= -HIGHEST and bias.max() <= -LOWEST
        for bias in biases
    )
    if not whole:
        return UnquantizedMean if exponent is None else UnquantizedScale
    return neurons.MeanOnlyBatchNorm if exponent is None else neurons.WgtScaleBatchNorm


def _statistics(bias, exponent, scale):
    """Running statistics that give a bias, and an exponent."""
    variance = 0.0
    if exponent is not None:
        # three quarters of the power lie well between two exponents
        variance = max(0.75 * 4.0 ** min(exponent, 60.0) - neurons.WgtScaleBatchNorm.eps, 0.0)
    return {
        "running_mean": jnp.asarray(-bias / scale + 0.0, jnp.float32),
        "running_var": jnp.asarray(variance, jnp.float32),
    }
