"""From a block to nodes of NIR."""

import dataclasses
import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import jax
import numpy as np

from jslayer import axon, synapse
from jslayer.block.base import MAX_DELAY, Block
from jslayer.block.layers import Affine, Conv, ConvOutput, ConvT, Dense, Layer, Output, Pool, Unpool
from jslayer.block.recurrent import KWTA, Recurrent
from jslayer.block.sequential import name_of
from jslayer.block.unweighted import Flatten, Input
from jslayer.hdf5.write.numbers import check_shape, lookup
from jslayer.neuron import cuba as neurons
from jslayer.nir.neuron_node import Writing, by_channel, neuron_node, placed_error, plain

Shape = tuple[int, ...]


@dataclasses.dataclass
class Part:
    """The nodes of a block, one behind the other.

    Attributes:
      chain: Kind and node.
      shape: What the last one sends.
      feedback: Weights of the way back around the neuron, or ``None``.
    """

    chain: list[tuple[str, Any]]
    shape: Shape
    feedback: Any = None


def sizes_in(block: Any, own: Mapping[str, Any], place: str, given: Shape | None) -> Shape:
    """Shape of the data that the first block reads.

    Raises:
      ValueError: neither the block nor the caller says it.
    """
    if given is not None:
        return tuple(int(size) for size in given)
    if isinstance(block, Input):
        return _stored(own)
    if isinstance(block, Layer) and block.synapse_kind == "Dense":
        made = _synapse(block)
        if made.spatial:
            return made.input_shape
        return (made.in_channels() or _weight(made, own, _home(block)).shape[1],)
    if isinstance(block, Conv | ConvOutput) and not isinstance(block, ConvT):
        made = _synapse(block)
        window = synapse.window.Window.of(made)
        if window.stride == (1, 1):
            sides = [
                n + d * (k - 1) - 2 * p
                for n, k, p, d in zip(
                    _stored(own)[1:], window.kernel, window.padding, window.dilation, strict=True
                )
            ]
            return (made.in_channels() or _weight(made, own, _home(block)).shape[1], *sides)
    raise ValueError(
        f"`input_shape` is missing, expected (C, H, W) of the data, which {place} does not tell; "
        "pass it."
    )


def part_of(graph: Writing, block: Any, own: Mapping[str, Any], place: str, shape: Shape) -> Part:
    """The nodes of a block that reads ``shape``.

    Raises:
      TypeError: NIR has no node for it.
      ValueError: NIR cannot hold its numbers.
    """
    if isinstance(block, Flatten):
        return _flatten(graph.nir, shape)
    if isinstance(block, axon.Delay):
        steps = np.floor(np.asarray(block.clamped(lookup(own, "params/delay")), np.float64))
        return Part([("delay", _delay(graph, steps * block.sampling_time, shape))], shape)
    if isinstance(block, synapse.Pool):
        value = _weight(block, {"params": {"synapse": own.get("params", {})}}, "synapse")
        return Part(*_pool(graph.nir, block, value, place, shape))
    if isinstance(block, Input) and block.neuron_params is None:
        delays = _delays(graph, block, own, shape)
        # a node at least, so that a network is never empty
        return Part(delays or [("delay", _delay(graph, np.zeros(shape[0]), shape))], shape)
    _check_kind(block, place)
    if isinstance(block, Input):
        return _input(graph, block, own, place, shape)
    return _layer(graph, block, own, place, shape)


def _check_kind(block: Any, place: str) -> None:
    if not isinstance(block, Block):
        came = f"is {name_of(block)}, no block"
        raise placed_error(TypeError, place, came, "blocks of the CUBA family", "replace it")
    known = isinstance(block, Input | Dense | Conv | Pool | Affine | Output | ConvOutput)
    if isinstance(block, ConvT | Unpool | KWTA) or not (known or isinstance(block, Recurrent)):
        came = f"is a block {name_of(block)}"
        expected = "Input, Dense, Conv, Pool, Flatten, Recurrent, Affine, Output or ConvOutput"
        raise placed_error(TypeError, place, came, f"{expected}, for which NIR has nodes")
    if not isinstance(block.new_neuron(), neurons.Neuron):
        came = f"has a neuron of {type(block.new_neuron()).__module__.split('.')[-1]}"
        expected = "one of cuba, the only family for which NIR has nodes"
        raise placed_error(TypeError, place, came, expected)


def _layer(graph: Writing, block: Any, own: Mapping[str, Any], place: str, shape: Shape) -> Part:
    made = _synapse(block)
    weight = _weight(made, own, _home(block))
    chain: list[tuple[str, Any]] = []
    factor = 1.0
    if block.synapse_kind == "Dense":
        if len(shape) > 1:
            chain += _flatten(graph.nir, shape).chain
        if getattr(block, "delay", False) == "inputs":
            size = (weight[0].size,)
            chain.append(("input_delay", _delay(graph, _line(own, size[0]), size)))
        chain.append(("dense", graph.nir.Linear(weight.reshape(len(weight), -1))))
        behind: Shape = (len(weight),)
    elif block.synapse_kind == "Conv":
        behind = _stored(own)
        chain.append(("conv", _conv(graph.nir, made, weight, shape)))
    else:
        chain, behind = _pool(graph.nir, made, np.ones_like(weight), place, shape)
        factor = float(weight.flat[0])
        if (weight != factor).any():
            came = "has a pool whose weights differ"
            raise placed_error(ValueError, place, came, "one weight, as NIR's pools have")
    if getattr(block, "output_bias", None) is not None:
        came = "has an output_bias"
        raise placed_error(ValueError, place, came, "none, for which NIR has no node")
    if getattr(block, "dynamics", True):
        unit = neuron_node(graph, block.layer_neuron(), own, place, behind, factor)
        chain.append(("neuron", unit))
    feedback = None
    if isinstance(block, Recurrent):
        made = block.feedback_synapse(parent=None)
        feedback = graph.nir.Linear(_weight(made, own, "recurrent_synapse"))
    delays = _delays(graph, block, own, behind)
    return Part(chain + delays, behind, feedback)


def _input(graph: Writing, block: Input, own: Mapping[str, Any], place: str, shape: Shape) -> Part:
    """Events or data that enter a neuron; NIR does not quantise them."""
    neuron = block.new_neuron().as_input()
    numbers = {"weight": 1.0, "bias": 0.0}
    for name in numbers:
        if getattr(block, name) is not None:
            numbers[name] = float(neuron.quantize_8bit(lookup(own, f"params/{name}")))
    if numbers["bias"]:
        came = f"adds a bias of {numbers['bias']:g} to the data"
        raise placed_error(ValueError, place, came, "none, for which NIR has no node")
    unit = neuron_node(graph, neuron, own, place, shape, numbers["weight"])
    return Part([("neuron", unit), *_delays(graph, block, own, shape)], shape)


def _synapse(block: Any) -> Any:
    return block.new_synapse(parent=None)


def _home(block: Any) -> str:
    """Name of a block's synapse in its parameters."""
    return "input_synapse" if isinstance(block, Recurrent) else "synapse"


def _weight(made: Any, own: Mapping[str, Any], name: str) -> np.ndarray:
    """The weights that a synapse computes with."""
    constant = made.kind == "pool" and not made.weight_norm
    params = {} if constant else lookup(own, f"params/{name}")
    weight = np.asarray(jax.jit(made.weight_in_use)(params), np.float32)
    if not np.isfinite(weight).all():
        raise ValueError(
            f"`variables` hold NaN or infinity in {name}, expected finite weights; "
            "write an earlier checkpoint."
        )
    return weight


def _conv(nir: ModuleType, made: Any, weight: np.ndarray, shape: Shape) -> Any:
    window = synapse.window.Window.of(made)
    return nir.Conv2d(
        input_shape=tuple(shape[1:]),
        weight=weight,
        stride=window.stride,
        padding=window.padding,
        dilation=window.dilation,
        groups=int(made.groups),
        bias=np.zeros(len(weight), np.float32),
    )


def _pool(
    nir: ModuleType, made: Any, weight: np.ndarray, place: str, shape: Shape
) -> tuple[list[tuple[str, Any]], Shape]:
    """A pool whose weights are one, or of AvgPool2d the share of a window."""
    window = synapse.window.Window.of(made)
    kernel = window.kernel
    came = ""
    if window.dilation != (1, 1):
        came = f"has a pool with a dilation of {window.dilation}"
    elif any(n % k for n, k in zip(shape[1:], kernel, strict=True)):
        came = f"has a pool of {kernel} on an image of {shape[1:]}, where it adds zeros"
    if came:
        raise placed_error(ValueError, place, came, "windows that fill it, as NIR's pools need")
    shares = {"SumPool2d": 1.0, "AvgPool2d": 1 / math.prod(kernel)}
    kinds = [kind for kind, share in shares.items() if np.allclose(weight, share, rtol=1e-6)]
    if not kinds:
        came = f"is a pool with weights of {weight.flat[0]:g}"
        raise placed_error(ValueError, place, came, "1, or one over the window's size")
    node = getattr(nir, kinds[0])(*(np.array(v) for v in (kernel, window.stride, window.padding)))
    size = tuple(
        (n + 2 * p - k) // s + 1
        for n, k, s, p in zip(shape[1:], kernel, window.stride, window.padding, strict=True)
    )
    behind = (shape[0], *size)
    node.input_type, node.output_type = {"input": np.array(shape)}, {"output": np.array(behind)}
    return [("pool", node)], behind


def _flatten(nir: ModuleType, shape: Shape) -> Part:
    node = nir.Flatten({"input": np.array(shape)}, 0, -1)
    return Part([("flatten", node)], (math.prod(shape),))


def _delays(
    graph: Writing, block: Any, own: Mapping[str, Any], shape: Shape
) -> list[tuple[str, Any]]:
    """The steps by which a block holds its output back."""
    steps = np.zeros(shape[0])
    if getattr(block, "delay_shift", False) and graph.keep_shift:
        steps = steps + 1
    if getattr(block, "delay", False) and block.delay != "inputs":
        steps = steps + _line(own, shape[0])
    return [("delay", _delay(graph, steps, shape))] if steps.any() else []


def _line(own: Mapping[str, Any], channels: int) -> np.ndarray:
    """A block's delays in whole steps."""
    line = np.asarray(lookup(own, "params/delay_line/delay"), np.float64)
    check_shape("params/delay_line/delay", line, (channels,))
    return np.floor(np.clip(line, 0, MAX_DELAY))


def _delay(graph: Writing, steps: np.ndarray, shape: Shape) -> Any:
    seconds = by_channel(steps * graph.dt, shape)
    return graph.nir.Delay(plain(np.broadcast_to(seconds, shape)))


def _stored(own: Mapping[str, Any]) -> Shape:
    return tuple(int(size) for size in np.asarray(lookup(own, "constants/shape")))
