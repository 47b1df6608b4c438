"""What a network file holds, as a table."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jslayer.hdf5.records import Layer, NetworkFile
from jslayer.io.text import shown


def describe(file: NetworkFile) -> dict[str, Any]:
    """A network file in numbers and texts, ready for JSON.

    Args:
      file: What `jslayer.hdf5.read` returned.

    Returns:
      ``file``, ``attributes`` (cut where long), ``layers`` (a list of mappings), ``neurons`` and
      ``synapses``. Of a layer: ``layer``, ``type``, ``shape``, ``kernel``, ``stride``,
      ``padding``, ``dilation``, ``groups``, ``delay``, ``neuron``, ``threshold``, ``decays``,
      ``neurons``, ``synapses``, ``weights``; numbers per channel are a pair of the least and the
      largest.
    """
    layers = [_layer(layer) for layer in file.layers]
    return {
        "file": file.path,
        "attributes": {shown(n): shown(value, 200) for n, value in file.attributes.items()},
        "layers": layers,
        "neurons": sum(row["neurons"] for row in layers if row["neuron"]),
        "synapses": sum(row["synapses"] or 0 for row in layers),
    }


def _layer(layer: Layer) -> dict[str, Any]:
    neuron = layer.neuron
    weights = np.concatenate([w.reshape(-1) for w in layer.weights.values()] or [[]])
    decays = {
        name: _range(getattr(neuron, f"{name}_decay"))
        for name in ("current", "voltage", "threshold", "refractory", "sin", "cos")
        if neuron is not None and getattr(neuron, f"{name}_decay") is not None
    }
    return {
        "layer": layer.number,
        "type": layer.type,
        "shape": list(layer.shape),
        "kernel": layer.kernel,
        "stride": layer.stride,
        "padding": layer.padding,
        "dilation": layer.dilation,
        "groups": layer.groups,
        "delay": None if layer.delay is None else _range(layer.delay),
        "neuron": neuron.type if neuron is not None else None,
        "threshold": _range(neuron.threshold) if neuron is not None else None,
        "decays": decays,
        "bias": None if layer.bias is None else _range(layer.bias),
        "neurons": layer.neurons,
        "synapses": synapses(layer),
        "weights": _range(weights) if weights.size else None,
        "joined": list(layer.joined),
    }


def synapses(layer: Layer) -> int | None:
    """Connections of a layer, those into the padding included.

    Returns:
      Their number, of complex layers both parts; ``None`` where the file does not tell the size
      of what comes in.
    """
    parts = 1 if layer.weight_imag is None else 2
    if layer.weight is None:
        return 0
    if layer.kernel is None:
        recurrent = 0 if layer.weight_rec is None else layer.weight_rec.size
        return parts * (layer.weight.size + recurrent)
    area = math.prod(layer.kernel)
    if layer.type in ("conv", "pool"):
        fan_in = layer.weight.shape[1]
        return parts * layer.neurons * fan_in * area
    if layer.input_shape is None:
        return None
    fan_out = layer.weight.shape[1]
    return parts * math.prod(layer.input_shape) * fan_out * area


def _range(value: Any) -> Any:
    """The only number, or the least and the largest; ``None`` of nothing."""
    if value is None:
        return None
    low, high = int(np.min(value)), int(np.max(value))
    return low if np.ndim(value) == 0 else [low, high]


COLUMNS = (
    *("layer", "type", "shape", "kernel", "stride", "padding", "dilation", "groups", "delay"),
    *("neuron", "threshold", "decays", "bias", "neurons", "synapses", "weights"),
)
"""Columns of the table; those that no layer fills are left out."""


def table(description: dict[str, Any]) -> str:
    """The layers of a description as text in columns, and a line of sums."""
    rows = [[_cell(name, row[name]) for name in COLUMNS] for row in description["layers"]]
    used = [i for i in range(len(COLUMNS)) if any(row[i] for row in rows)]
    cells = [[COLUMNS[i] for i in used], *([row[i] for i in used] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(used))]
    lines = [_line(line, widths) for line in cells]
    closing = f"{description['neurons']} neurons, {description['synapses']} synapses"
    return "\n".join([*lines, closing])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cell(name: str, value: Any) -> str:
    if value is None or value == {}:
        return ""
    if name == "decays":
        return " ".join(f"{decay}={_cell('', number)}" for decay, number in value.items())
    if name in ("shape", "kernel", "stride", "padding", "dilation"):
        return "x".join(str(number) for number in value)
    if isinstance(value, list):
        return f"{value[0]}..{value[1]}"
    return str(value)
