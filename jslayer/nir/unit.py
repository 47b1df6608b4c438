"""From NIR's neurons to those of the CUBA family, on the grids of the hardware's integers."""

import dataclasses
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from jslayer.hdf5.limits import BIAS_RANGE, HIGHEST, LOWEST
from jslayer.hdf5.load.norm import UnquantizedMean
from jslayer.neuron import MeanOnlyBatchNorm
from jslayer.nir.graph import SPIKING, Graph, Node, noted
from jslayer.nir.rates import Method, decay_of
from jslayer.ops.fixed_point import DECAY_SCALE

LARGEST_LEVEL = 2**17
"""Largest threshold in integer weights."""

FINEST = 2**20
"""Largest number of integer weights per threshold unit that is tried."""

CLOSE = 1e-3
"""How far a number on a grid may be off it, in steps, after a way through float32."""


@dataclasses.dataclass
class Unit:
    """A neuron ``u = (1 - cd) u + gain x``, ``v = (1 - vd) v + u + bias``, per neuron.

    Attributes:
      current_decay: cd, on the grid of 1 / 4096.
      voltage_decay: vd, likewise.
      gain: Factor on the weights in front.
      bias: What enters the voltage at every step.
      threshold: Voltage to exceed; ``None`` of what never spikes.
      scale: Integer weights per threshold unit that were noted, or ``None``.
    """

    current_decay: np.ndarray
    voltage_decay: np.ndarray
    gain: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray | None
    scale: int | None


def unit_of(graph: Graph, node: Node, shape: tuple[int, ...], dt: float, method: Method) -> Unit:
    """The neuron of a node whose neurons have ``shape``.

    Raises:
      NetworkFileError: its numbers do not fit the shape, or the hardware's integers.
    """
    held = {key: _spread(graph, node, key, shape) for key in node.fields if key in _NUMBERS}
    one, zero = np.ones(shape), np.zeros(shape)
    rest, leak = held.get("v_reset", zero), held.get("v_leak", zero)
    if node.kind in ("IF", "I"):
        current, voltage, gain, bias = one, zero, dt * held["r"], zero
    else:
        name = "tau_mem" if "tau_mem" in held else "tau"
        voltage = _decay(graph, node, name, held[name], dt, method)
        gain, bias, current = voltage * held["r"], voltage * (leak - rest), one
        if "tau_syn" in held:
            current = _decay(graph, node, "tau_syn", held["tau_syn"], dt, method)
            gain = gain * current * held["w_in"]
    threshold = None
    if node.kind in SPIKING:
        threshold = held["v_threshold"] - rest  # the voltage is counted from the reset
        if (threshold <= 0).any():
            came = f"holds a v_threshold {threshold.min():g} above v_reset"
            raise graph.fault(node.name, came, "one above it")
    scale = noted(node.fields, "scale")
    whole = isinstance(scale, int | float) and scale == int(scale) and 1 <= scale <= FINEST
    return Unit(current, voltage, gain, bias, threshold, int(scale) if whole else None)


_NUMBERS = ("tau", "tau_mem", "tau_syn", "r", "v_leak", "v_reset", "v_threshold", "w_in")


def _spread(graph: Graph, node: Node, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of a node, one per neuron: given so, per channel, or as one for all."""
    value = np.asarray(node.fields[key], np.float64)
    if value.size == 1:
        return np.full(shape, value.reshape(()))
    if value.shape == shape[:1]:
        value = value.reshape(-1, *(1 for _ in shape[1:]))
    elif (*value.shape[:1], 1, *value.shape[1:]) == shape:
        value = value[:, None]  # of a convolution over one axis
    if value.ndim != len(shape) or any(
        a not in (1, b) for a, b in zip(value.shape, shape, strict=True)
    ):
        came = f"holds {key} of shape {value.shape}"
        raise graph.fault(node.name, came, f"{shape}, one per neuron of what it reads")
    return np.broadcast_to(value, shape)


def _decay(
    graph: Graph, node: Node, key: str, tau: np.ndarray, dt: float, method: Method
) -> np.ndarray:
    """A decay on the 12-bit grid."""
    if (tau <= 0).any():
        raise graph.fault(node.name, f"holds {key} {tau.min():g}", "seconds above 0")
    decay = decay_of(tau, dt, method)
    found = np.round(decay * DECAY_SCALE) / DECAY_SCALE
    bad = (found > 1) | (found == 0)
    if bad.any():
        came = f"holds {key} {tau[bad].flat[0]:g}, a decay of {decay[bad].flat[0]:.3g} per step"
        expected = f"1 / {2 * DECAY_SCALE} to 1 with dt {dt:g}, as 12 bits hold it"
        raise graph.fault(node.name, came, expected, "choose another `dt`")
    return found


@dataclasses.dataclass
class Placed:
    """A neuron and its weights as a block has them.

    Attributes:
      arguments: Of the block's neuron.
      constants: The neuron's held parameters.
      statistics: Those of its norm, empty without one.
      weights: The weights by name, with the gain.
    """

    arguments: dict[str, Any]
    constants: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]


def placed(
    graph: Graph,
    node: Node,
    unit: Unit,
    weights: Mapping[str, np.ndarray],
    drive_bias: np.ndarray | None,
    *,
    quantize: bool,
) -> Placed:
    """Puts a neuron, and weights that hold the gain already, on the grids.

    Args:
      graph: The graph, for messages.
      node: The neuron's node, for messages.
      unit: The neuron.
      weights: By name.
      drive_bias: Bias of the synapse per channel, without the gain, or ``None``.
      quantize: Weights will be rounded to 8 bits.

    Raises:
      NetworkFileError: no grid holds them.
    """
    bias = unit.bias
    if drive_bias is not None and drive_bias.any():
        bias = bias + _steady(graph, node, unit, drive_bias)
    levels = [] if unit.threshold is None else [unit.threshold]
    scale, is_exact = _scale(graph, node, unit.scale, list(weights.values()), levels, quantize)
    found = Placed({}, {}, {}, dict(weights))
    if is_exact and quantize:
        found.weights = {k: 2 * np.round(w * scale / 2) / scale for k, w in weights.items()}
    given = {"current_decay": unit.current_decay, "voltage_decay": unit.voltage_decay}
    if unit.threshold is not None:
        level = np.round(unit.threshold * scale)
        if (level < 1).any():
            came = f"holds a v_threshold of {unit.threshold.min():.3g} beside weights up to " + (
                f"{max(np.abs(w).max() for w in weights.values()):.3g}, the gain included"
            )
            raise graph.fault(node.name, came, "at least a 256th of them", "scale them")
        given["threshold"] = level / scale
    form, shared = _granularity(list(given.values()))
    arguments: dict[str, Any] = {
        name: value.flat[0].item() if shared is True else form(value)
        for name, value in given.items()
    }
    found.arguments = {"threshold": 1.0, **arguments}
    found.constants = {
        name: np.asarray(form(given[name]), np.float32)
        for name in ("current_decay", "voltage_decay")
    }
    if shared is not True:
        found.arguments["shared_param"] = shared
    if scale != 64:
        found.arguments["scale"] = scale
    if bias.any():
        _norm(graph, node, bias, scale, quantize, found)
    return found


def _steady(graph: Graph, node: Node, unit: Unit, drive_bias: np.ndarray) -> np.ndarray:
    """A bias of the drive as one of the voltage: what it comes to."""
    bias = drive_bias.reshape(-1, *(1 for _ in unit.gain.shape[1:])) * unit.gain
    if (unit.current_decay == 1).all():
        return bias
    if (unit.current_decay == 0).any():
        raise graph.fault(node.name, "integrates a bias without end", "no bias in front of it")
    warnings.warn(
        f"{graph.file}: node {node.name} filters the bias in front of it, which acts here as it "
        "comes to in the long run, from the first step; the first spikes may come earlier.",
        stacklevel=6,
    )
    return bias / unit.current_decay


def _granularity(values: list[np.ndarray]) -> tuple[Any, Any]:
    """How finely numbers differ: a function that takes what counts, and ``shared_param``."""
    if all((value == value.flat[0]).all() for value in values):
        return (lambda value: value.flat[0]), True
    first = lambda value: value.reshape(len(value), -1)[:, 0]
    if all(per_channel(value) for value in values):
        return first, False
    return (lambda value: value), "neuron"


def per_channel(value: np.ndarray) -> bool:
    """True where numbers are the same within every channel, after a way through float32."""
    flat = value.reshape(len(value), -1)
    return bool(np.isclose(flat, flat[:, :1], rtol=2e-6, atol=0).all())


def _scale(
    graph: Graph,
    node: Node,
    noted_scale: int | None,
    weights: list[np.ndarray],
    levels: list[np.ndarray],
    quantize: bool,
) -> tuple[int, bool]:
    """Integer weights per threshold unit, and whether all numbers lie on the grid.

    What was noted, then 64, then the least power of two that holds the numbers exactly; else the
    largest at which the weights fit 8 bits.
    """
    powers = [2**k for k in range(FINEST.bit_length())]
    largest = max([np.abs(w).max() for w in weights], default=1.0)
    level = max([value.max() for value in levels], default=0.0)
    if not quantize:
        fitting = [p for p in powers if max(largest, level) * p <= 2**12]
        return max([64, *fitting]) if fitting else 1, False
    fits = lambda p: (
        all((w * p >= LOWEST - CLOSE).all() and (w * p <= HIGHEST + CLOSE).all() for w in weights)
        and (level * p <= LARGEST_LEVEL)
    )
    on = lambda value, step: bool((np.abs(value / step - np.round(value / step)) < CLOSE).all())
    exact = lambda p: (
        all(on(w, 2 / p) for w in weights) and all(on(value, 1 / p) for value in levels)
    )
    for p in [noted_scale or 64, 64, *powers]:
        if fits(p) and exact(p):
            return p, True
    fitting = [p for p in powers if fits(p)]
    if not fitting:
        came = f"has weights up to {largest:.3g} in front, and a threshold of {level:.3g}"
        raise graph.fault(node.name, came, f"weights in [{LOWEST}, {HIGHEST}]", "scale both")
    return max(fitting), False


def _norm(
    graph: Graph, node: Node, bias: np.ndarray, scale: int, quantize: bool, found: Placed
) -> None:
    """Adds the norm whose running mean is a bias on the voltage."""
    if not per_channel(bias):
        raise graph.fault(node.name, "has a bias for every pixel", "one per channel")
    rows = bias.reshape(len(bias), -1)[:, 0]
    whole = np.round(rows * scale)
    if (np.abs(whole) > BIAS_RANGE[1]).any():
        came = f"has a bias of {np.abs(rows).max():g}"
        raise graph.fault(node.name, came, f"at most {BIAS_RANGE[1] / scale:g}")
    even = not (whole % 2).any() and (-whole >= LOWEST).all() and (-whole <= HIGHEST).all()
    if quantize:
        rows = whole / scale
    found.arguments["norm"] = MeanOnlyBatchNorm if even and quantize else UnquantizedMean
    found.statistics = {
        "running_mean": np.asarray(-rows + 0.0, np.float32),
        "running_var": np.zeros((), np.float32),
    }
