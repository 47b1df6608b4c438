"""What the states of a layer say: is it driven, does its surrogate fit, do the states hold."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from jslayer.neuron.spiking import Spiking
from jslayer.training.diagnosis import probe
from jslayer.training.diagnosis.probe import Layer, below
from jslayer.training.diagnosis.report import Kind

INT32_END = 2.0**31 - 2.0**7
"""Units of a state at the end of int32, where it stops; float32 rounds the last 2^7 away."""

HARDWARE_END = 2.0**23
"""Units of a state at the end of the hardware's 24 bits."""

WIDTH = 3.0
"""Width to try, in usual distances of voltage and threshold."""

PEAK = 0.05
"""Height of the surrogate to try at its top, times the usual distance."""

Measure = tuple[Kind, str, float, str]
"""Kind, layer, number, and the value to try."""


def measured(layer: Layer, seen: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[Measure]:
    """Measures the states of a spiking layer, where the call left them.

    Args:
      layer: The layer.
      seen: Its ``intermediates``.
      params: Parameters of the network.
    """
    neuron, traces = layer.neuron, below(seen, ("neuron",))
    if not isinstance(neuron, Spiking):
        return
    shown = {name: np.asarray(value[-1]) for name, value in traces.items()}
    if probe.GIVEN in seen:
        shown[neuron.main_output] = np.asarray(seen[probe.GIVEN][-1])
    states = {n: v for n, v in shown.items() if n in neuron.record.membrane.traces}
    yield from _ranges(layer, states)
    watched = shown.get(neuron.record.watched)
    if layer.readout or watched is None or not np.any(watched):
        return
    learned = below(params, (*layer.path, "neuron")).get("threshold")
    resting = neuron.quantized_threshold if learned is None else float(np.mean(learned))
    adapted = [shown[name] for name in ("threshold", "refractory") if name in shown]
    threshold = np.sum(adapted, axis=0) if adapted else resting

    # the middle of the neurons, of each the highest voltage in the batch
    peak = float(np.median(np.max(watched, axis=(0, -1))))
    needed = resting / peak if peak > 0 else np.inf
    yield "drive below threshold", layer.name, needed, _stronger(layer, needed, resting, peak)

    surrogate = neuron.spike_surrogate()
    tau = getattr(surrogate, "tau", getattr(surrogate, "sigma", None))
    distance = float(np.median(np.abs(watched - threshold)))
    if tau is None or not distance > 0:
        return
    proposal = _surrogate(neuron, resting, distance)
    yield "surrogate too narrow", layer.name, tau / distance, proposal
    yield "surrogate too wide", layer.name, tau / distance, proposal


def _ranges(layer: Layer, states: Mapping[str, np.ndarray]) -> Iterator[Measure]:
    if not states:
        return
    largest = layer.neuron.s_scale * max(float(np.max(np.abs(value))) for value in states.values())
    yield "states beyond int32", layer.name, largest / INT32_END, ""
    yield "states beyond hardware", layer.name, largest / HARDWARE_END, ""


def _stronger(layer: Layer, needed: float, threshold: float, peak: float) -> str:
    """Weights with which the middle neuron goes to twice its threshold."""
    if not np.isfinite(needed):
        return ""
    if layer.weight_scale is None:
        return f"threshold={_short(peak / 2)}"
    more = _short(2 * needed * layer.weight_scale)
    return f"weight_scale={more}, or threshold={_short(threshold / (2 * needed))}"


def _surrogate(neuron: Spiking, threshold: float, distance: float) -> str:
    """A surrogate as wide as the voltages are away from the threshold, and as high as suits."""
    if neuron.surrogate is not None:
        return f"a surrogate of width {_short(WIDTH * distance)}"
    tau = WIDTH * distance
    tau_grad = tau / (threshold * neuron.tau_multiplier)
    if neuron.record.phase:
        return f"tau_grad={_short(tau_grad)}"
    scale_grad = 2 * tau * (PEAK / distance) / neuron.scale_multiplier
    return f"tau_grad={_short(tau_grad)}, scale_grad={_short(scale_grad)}"


def _short(value: float) -> str:
    return f"{value:.2g}"
