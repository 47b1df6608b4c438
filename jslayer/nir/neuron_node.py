"""From a neuron of the CUBA family to a node of NIR."""

import dataclasses
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from jslayer.block.graph import own_variables
from jslayer.hdf5.write.numbers import check_shape, lookup
from jslayer.nir.rates import Method, tau_of
from jslayer.ops.fixed_point import DECAY_SCALE

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Writing:
    """What all nodes of a graph have in common.

    Attributes:
      nir: The package.
      dt: Length of a time step in seconds.
      method: How decays become time constants.
      keep_shift: Write the step by which blocks delay their output.
    """

    nir: ModuleType
    dt: float
    method: Method
    keep_shift: bool


def placed_error(
    kind: type[Exception], place: str, came: str, expected: str, action: str = "change the block"
) -> Exception:
    """The error of a block."""
    return kind(f"`network`: {place} {came}, expected {expected}; {action}.")


def neuron_node(
    graph: Writing, neuron: Any, own: Mapping[str, Any], place: str, shape: Shape, factor: float
) -> Any:
    """The node of a neuron whose drive is multiplied by ``factor``."""
    nir, dt, method = graph.nir, graph.dt, graph.method
    held = own_variables(("neuron",), own)
    if neuron.graded_spike and not neuron.readout:
        came = "sends graded spikes"
        raise placed_error(ValueError, place, came, "spikes of one, as NIR has no others")
    spread = lambda value: np.broadcast_to(by_channel(value, shape), shape).astype(np.float64)
    if neuron.shared_param is not True:
        lookup(own, "params/neuron" if neuron.requires_grad else "constants/neuron")
    current = spread(neuron.cx_current_decay(held)) / DECAY_SCALE
    voltage = spread(neuron.cx_voltage_decay(held)) / DECAY_SCALE
    bias = spread(_bias(neuron, own, place, shape))
    spiking = not neuron.readout
    numbers: dict[str, np.ndarray] = {}
    if spiking:
        numbers["v_threshold"] = spread(neuron.mantissa("threshold", held)) / neuron.w_scale
        numbers["v_reset"] = np.zeros(shape)
    for name, decay in (("current_decay", current), ("voltage_decay", voltage)):
        _check_decay(decay, name, method, place)
    if (voltage == 0).all() and (current == 1).all():
        if bias.any():
            came = "has a norm with a mean and a voltage_decay of 0"
            raise placed_error(ValueError, place, came, "a decay above 0, as NIR's IF has no leak")
        kind, numbers["r"] = ("IF" if spiking else "I"), np.full(shape, factor / dt)
    elif (voltage == 0).any() or (current == 0).any():
        name = "voltage_decay" if (voltage == 0).any() else "current_decay"
        came = f"has a {name} of 0 beside other decays"
        raise placed_error(ValueError, place, came, "decays above 0, or an IF neuron throughout")
    else:
        numbers |= {"r": 1 / voltage, "v_leak": bias / voltage}
        tau = tau_of(voltage, dt, method)
        if (current == 1).all():
            kind, numbers["tau"] = ("LIF" if spiking else "LI"), tau
            numbers["r"] = numbers["r"] * factor
        else:
            kind, numbers["tau_mem"] = ("CubaLIF" if spiking else "CubaLI"), tau
            numbers["tau_syn"], numbers["w_in"] = tau_of(current, dt, method), factor / current
    made = getattr(nir, kind)(**{name: plain(value) for name, value in numbers.items()})
    made.metadata = {"scale": int(neuron.w_scale)}
    return made


def _check_decay(decay: np.ndarray, name: str, method: Method, place: str) -> None:
    if (
        method == "exponential"
        and (decay == 1).any()
        and not (name == "current_decay" and (decay == 1).all())
    ):
        came = f"has a {name} of 1, a time constant of 0 with method='exponential'"
        raise placed_error(ValueError, place, came, "less", "write with method='euler'")


def _bias(neuron: Any, own: Mapping[str, Any], place: str, shape: Shape) -> Any:
    """What a norm in evaluation adds to the current."""
    if neuron.norm is None:
        return 0.0
    norm = neuron.norm(pre_hook=neuron.quantize_8bit, parent=None)
    if not hasattr(norm, "bias") or hasattr(norm, "weight_exp"):
        came = f"has the norm {type(norm).__name__}"
        raise placed_error(
            ValueError, place, came, "none or MeanOnlyBatchNorm, whose mean is NIR's v_leak"
        )
    mean = lookup(own, "batch_stats/neuron/norm/running_mean")
    check_shape("batch_stats/neuron/norm/running_mean", mean, shape[:1])
    return np.asarray(norm.bias({"running_mean": mean}, 1), np.float64)


def by_channel(value: Any, shape: Shape) -> np.ndarray:
    """Numbers per channel with axes for the pixels."""
    array = np.asarray(value)
    return array.reshape(-1, *(1 for _ in shape[1:])) if array.ndim == 1 else array


def plain(value: np.ndarray) -> np.ndarray:
    """A copy of its own, as other libraries take it."""
    return np.array(value, np.float32)
