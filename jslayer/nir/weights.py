"""The synapses of a NIR graph: weights, windows and the shapes behind them."""

import math
from typing import Any

import numpy as np

from jslayer.nir.graph import CONVOLUTIONS, DENSE, Graph, Node

Shape = tuple[int, ...]

LARGEST_SHAPE = 2**28
"""Numbers of one step at most."""


def weights_of(
    graph: Graph, node: Node, shape: Shape, is_row: bool
) -> tuple[str, dict[str, Any], np.ndarray, np.ndarray | None, Shape]:
    """Kind of block, its options, weight, bias, and the shape behind."""
    fields = node.fields
    weight: Any = fields.get("weight")  # checked to be there, where the kind has one
    bias: Any = fields.get("bias")
    if node.kind in DENSE:
        if weight.ndim != 2 or weight.shape[1:] != shape:
            came = f"holds weight of shape {weight.shape}"
            raise graph.fault(node.name, came, f"(outputs, {', '.join(map(str, shape))})")
        behind = weight.shape[:1]
        options = {"in_neurons": weight.shape[1], "out_neurons": weight.shape[0]}
        return "Dense", options, weight, bias_of(graph, node, bias, behind[0]), behind
    if node.kind in CONVOLUTIONS:
        axes = 1 if node.kind == "Conv1d" else 2
        if weight.ndim != 2 + axes:
            came = f"holds weight of shape {weight.shape}"
            raise graph.fault(node.name, came, f"{2 + axes} axes")
        _check_input_shape(graph, node, shape, axes)
        weight = weight if axes == 2 else weight[:, :, None]
        groups = _whole(graph, node, "groups", 1)[0]
        options = _window(graph, node, weight.shape[2:], axes)
        if weight.shape[1] * groups != shape[0] or weight.shape[0] % groups:
            came = f"holds weight of shape {weight.shape} and {groups} groups"
            raise graph.fault(node.name, came, f"weights for {shape[0]} channels")
        options |= {"in_features": shape[0], "out_features": weight.shape[0], "groups": groups}
        size = _size(graph, node, shape, options)
        return "Conv", options, weight, bias_of(graph, node, bias, len(weight)), size
    kernel = _whole(graph, node, "kernel_size", 2)
    if is_row:
        raise graph.fault(node.name, "reads (C, L)", "(C, H, W)")
    options = _window(graph, node, kernel, 2)
    value = np.ones(()) / (math.prod(kernel) if node.kind == "AvgPool2d" else 1)
    size = _size(graph, node, shape, options)
    if any(n % k for n, k in zip(shape[1:], kernel, strict=True)):
        # our pools add zeros up to whole windows, NIR's leave the rest out
        channels = {"in_features": shape[0], "out_features": shape[0], "groups": shape[0]}
        ones = np.full((shape[0], 1, *kernel), value)
        return "Conv", options | channels, ones, None, size
    return "Pool", options, value, None, size


def bias_of(graph: Graph, node: Node, bias: np.ndarray | None, count: int) -> np.ndarray | None:
    """The bias of a node as one number per output; a single one is that of all."""
    if bias is None:
        return None
    if bias.size == 1:
        bias = np.broadcast_to(bias.reshape(-1), (count,))
    if bias.shape != (count,):
        came = f"holds bias of shape {bias.shape}"
        raise graph.fault(node.name, came, f"({count},), one per output")
    return bias


def _check_input_shape(graph: Graph, node: Node, shape: Shape, axes: int) -> None:
    said = node.fields.get("input_shape")
    if said is None:
        return
    found = np.asarray(said).reshape(-1).tolist()
    if found != list(shape[-axes:]):
        came = f"holds input_shape {found!r:.60} and reads {shape}"
        raise graph.fault(node.name, came, "equal sizes")


def _window(graph: Graph, node: Node, kernel: Shape, axes: int) -> dict[str, Any]:
    lead = (1,) if axes == 1 else ()
    stride = (*lead, *_whole(graph, node, "stride", axes))
    dilation = (1, 1)
    if "dilation" in node.fields:
        dilation = (*lead, *_whole(graph, node, "dilation", axes))
    padding = node.fields["padding"]
    if isinstance(padding, str):
        reach = tuple(d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
        if padding == "same" and stride == (1, 1) and not any(size % 2 for size in reach):
            pads = tuple(size // 2 for size in reach)
        elif padding == "valid":
            pads = (0, 0)
        else:
            came = f"holds padding {padding}, stride {stride} and kernel {kernel}"
            expected = "numbers, valid, or same with a stride of 1 and odd kernels"
            raise graph.fault(node.name, came, expected)
    else:
        pads = (*(0 for _ in lead), *_whole(graph, node, "padding", axes, least=0))
    return {"kernel_size": kernel, "stride": stride, "padding": pads, "dilation": dilation}


def _whole(graph: Graph, node: Node, key: str, count: int, least: int = 1) -> Shape:
    value = np.asarray(node.fields[key]).reshape(-1)
    if value.size == 1:
        value = np.repeat(value, count)
    if value.size != count or (value != np.round(value)).any() or (value < least).any():
        came, expected = f"holds {key} {value.tolist()!r:.60}", f"{count} whole numbers"
        raise graph.fault(node.name, came, f"{expected} of at least {least}")
    if (value > LARGEST_SHAPE).any():
        raise graph.fault(node.name, f"holds {key} {value.max():g}", "less")
    return tuple(int(size) for size in value)


def _size(graph: Graph, node: Node, shape: Shape, options: dict[str, Any]) -> Shape:
    """Shape behind a window that goes over an image."""
    found = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(
            shape[1:],
            *(options[name] for name in ("kernel_size", "stride", "padding", "dilation")),
            strict=True,
        )
    ]
    if min(found) < 1:
        came = f"has a window of {options['kernel_size']} on {shape}"
        raise graph.fault(node.name, came, "a smaller one")
    return (options.get("out_features", shape[0]), *found)
