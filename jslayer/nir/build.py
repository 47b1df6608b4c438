"""From the nodes of a NIR graph to blocks and their variables."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import axon, block, synapse
from jslayer.block import cuba
from jslayer.block.base import MAX_DELAY
from jslayer.nir.graph import (
    DENSE,
    NEURONS,
    SPIKING,
    SYNAPSES,
    Graph,
    Node,
)
from jslayer.nir.order import Feedback, feedbacks, ordered
from jslayer.nir.rates import Method
from jslayer.nir.unit import CLOSE, Placed, Unit, per_channel, placed, unit_of
from jslayer.nir.weights import LARGEST_SHAPE, bias_of, weights_of

Shape = tuple[int, ...]
Found = tuple[Any, dict[str, Any], Shape]
"""A block, its variables by collection, and the shape of what it sends."""


def as_image(x: jax.Array) -> jax.Array:
    """``[N, C, W, T] -> [N, C, 1, W, T]``, for convolutions over one axis."""
    return x[:, :, None]


def as_row(x: jax.Array) -> jax.Array:
    """``[N, C, 1, W, T] -> [N, C, W, T]``."""
    return x[:, :, 0]


class Builder:
    """Goes through a graph and collects blocks.

    Args:
      graph: The graph, whose loops are taken out.
      dt: Step in seconds.
      method: How time constants become decays.
      quantize: Round weights to 8 bits.
    """

    def __init__(self, graph: Graph, dt: float, method: Method, quantize: bool):
        self._graph, self._dt, self._method, self._quantize = graph, dt, method, quantize
        self._blocks: list[Any] = []
        self._reads: list[tuple[int]] = []
        self._shapes: dict[int, Shape] = {}
        self._sent: dict[str, int] = {}
        self._outputs: list[int] = []
        self._variables: dict[str, dict[str, Any]] = {}
        for kind, most in (("Input", 1), ("Output", len(graph.nodes))):
            count = sum(node.kind == kind for node in graph.nodes.values())
            if not 1 <= count <= most:
                came = f"has {count} nodes of kind {kind}"
                expected = "one" if most == 1 else "one at least"
                raise graph.fault("", came, expected, "write it with one")
        self._loops = feedbacks(graph)
        apart = {loop.synapse for loop in self._loops.values()}
        self._order = ordered(
            graph, apart | {loop.delay for loop in self._loops.values() if loop.delay}
        )

    def network(self) -> tuple[block.Sequential, dict[str, Any]]:
        """The network and its variables."""
        graph = self._graph
        for name in self._order:
            if name not in self._sent:
                self._add(graph.nodes[name])
        chain = [(number - 1,) for number in range(len(self._blocks))]
        if not self._blocks:
            raise graph.fault("", "has nothing between Input and Output", "nodes")
        if self._reads == chain and self._outputs == [len(self._blocks) - 1]:
            return block.Sequential(self._blocks), self._variables
        if -1 in self._outputs:
            raise graph.fault("", "hands its Input on to an Output", "nodes in between")
        outputs = list(dict.fromkeys(self._outputs))
        return block.Graph(self._blocks, self._reads, outputs), self._variables

    def _add(self, node: Node) -> None:
        if node.kind == "Input":
            self._sent[node.name], self._shapes[-1] = -1, self._input_shape(node)
            return
        if len(self._graph.before(node.name)) > 1:
            came = f"adds up what {' and '.join(self._graph.before(node.name))} send"
            raise self._graph.fault(node.name, came, "one node to read", "join them by weights")
        if node.kind == "Output":
            self._outputs.append(self._as_row(self._source(node)))
        elif node.kind in SYNAPSES:
            self._synapse(node)
        elif node.kind in NEURONS:
            self._bare(node)
        elif node.kind == "Flatten":
            self._flatten(node)
        else:
            self._delay(node)

    def _source(self, node: Node) -> int:
        (before,) = self._graph.before(node.name)
        return self._sent[before]

    def _append(self, name: str, source: int, found: Found) -> None:
        made, own, shape = found
        number = len(self._blocks)
        for collection, tree in own.items():
            if tree:
                held = jax.tree.map(jnp.asarray, tree)
                self._variables.setdefault(collection, {})[f"blocks_{number}"] = held
        self._blocks.append(made)
        self._reads.append((source,))
        self._shapes[number] = shape
        self._sent[name] = number

    def _input_shape(self, node: Node) -> Shape:
        value = node.fields.get("shape")
        if value is None:
            value = node.fields.get("input_type")
            value = value.get("input") if isinstance(value, dict) else value
        return self._shape(node, value)

    def _shape(self, node: Node, value: Any) -> Shape:
        array = np.asarray([] if value is None else value).reshape(-1)
        fits = array.size and array.dtype.kind in "iuf" and (array >= 1).all()
        if not fits or array.size > 3 or (array != np.round(array)).any():
            came = "has no shape" if not array.size else f"has the shape {array.tolist()!r:.80}"
            raise self._graph.fault(node.name, came, "(neurons,), (C, L) or (C, H, W)")
        shape = tuple(int(size) for size in array)
        if math.prod(shape) > LARGEST_SHAPE:
            raise self._graph.fault(node.name, f"has the shape {shape}", "a smaller one")
        return shape

    def _as_row(self, source: int) -> int:
        """What sends a source's output without the axis that convolutions over one axis need."""
        shape = self._shapes[source]
        if len(shape) != 3 or not self._is_row(source):
            return source
        name = f"row of {source}"
        if name not in self._sent:
            self._append(name, source, (as_row, {}, (shape[0], shape[2])))
        return self._sent[name]

    def _is_row(self, source: int) -> bool:
        while source >= 0:
            if self._blocks[source] is as_image:
                return True
            (source,) = self._reads[source]
        return False

    def _as_image(self, node: Node, source: int) -> int:
        shape, graph = self._shapes[source], self._graph
        flat = node.kind == "Conv1d"
        if len(shape) == 2 and flat:
            name = f"image of {source}"
            if name not in self._sent:
                self._append(name, source, (as_image, {}, (shape[0], 1, shape[1])))
            return self._sent[name]
        if len(shape) != 3 or flat != self._is_row(source):
            expected = "(C, L)" if flat else "(C, H, W)"
            raise graph.fault(node.name, f"reads {shape}", f"{expected}; put a Flatten elsewhere")
        return source

    def _synapse(self, node: Node) -> None:
        """A synapse, with the neuron behind it where there is one."""
        source = self._source(node)
        if node.kind not in DENSE:
            source = self._as_image(node, source)
        behind = [self._graph.nodes[name] for name in self._graph.behind(node.name)]
        unit_node = behind[0] if len(behind) == 1 and behind[0].kind in NEURONS else None
        if unit_node is not None and len(self._graph.before(unit_node.name)) > 1:
            unit_node = None  # told of when the neuron's turn comes
        kind, options, weight, bias, shape = weights_of(
            self._graph, node, self._shapes[source], self._is_row(source)
        )
        if unit_node is None and kind == "Pool":
            options["weight_scale"] = float(weight)
            self._append(node.name, source, (synapse.Pool(**options), {}, shape))
            return
        unit = self._unit(unit_node, shape)
        loop = self._loops.get(unit_node.name) if unit_node is not None else None
        own = self._block(unit_node or node, unit, kind, options, weight, bias, shape, loop)
        self._append(node.name, source, own)
        if unit_node is not None:
            self._sent[unit_node.name] = self._sent[node.name]

    def _unit(self, node: Node | None, shape: Shape) -> Unit:
        if node is not None:
            return unit_of(self._graph, node, shape, self._dt, self._method)
        one, zero = np.ones(shape), np.zeros(shape)
        return Unit(one, one, one, zero, None, None)

    def _block(
        self,
        node: Node,
        unit: Unit,
        kind: str,
        options: dict[str, Any],
        weight: np.ndarray,
        bias: np.ndarray | None,
        shape: Shape,
        loop: Feedback | None,
    ) -> Found:
        """The block of a synapse and its neuron, or of a synapse alone."""
        gain, graph = unit.gain, self._graph
        if not per_channel(gain) or (kind == "Pool" and (gain != gain.flat[0]).any()):
            came = "has a resistance, w_in or time constant for every pixel"
            raise graph.fault(node.name, came, "one for every channel, and one behind a pool")
        rows = gain.reshape(len(gain), -1)[:, 0]
        over = lambda w: w * rows.reshape(-1, *(1 for _ in w.shape[1:]))
        weights = {"synapse": weight * rows[0] if kind == "Pool" else over(weight)}
        if loop is not None:
            weights["recurrent_synapse"] = over(self._feedback(node, loop, shape))
            extra = graph.nodes[loop.synapse].fields.get("bias")
            if extra is not None:
                extra = bias_of(graph, graph.nodes[loop.synapse], extra, shape[0])
                bias = extra if bias is None else bias + extra
        on_grid = placed(graph, node, unit, weights, bias, quantize=self._quantize)
        own = _variables(on_grid, shape)
        if not self._quantize:
            options["pre_hook_fx"] = None
        if kind == "Pool":
            options["weight_scale"] = float(on_grid.weights["synapse"])
        else:
            own["params"] = {
                name: {"weight": np.asarray(w, np.float32)} for name, w in on_grid.weights.items()
            }
            if loop is not None:
                own["params"]["input_synapse"] = own["params"].pop("synapse")
        if unit.threshold is not None:
            options["delay_shift"] = False
            kind = "Recurrent" if loop is not None else kind
        elif loop is not None:
            raise graph.fault(node.name, "drives itself and never spikes", "a spiking neuron")
        elif kind == "Pool":
            raise graph.fault(node.name, "stands behind a pool and never spikes", "a spiking one")
        else:
            if options.pop("pre_hook_fx", "") is None:
                if kind == "Conv":
                    raise graph.fault(
                        node.name, "is a read-out of images", "spikes with quantize=False"
                    )
                options["pre_hook_fx"] = None
            kind = {"Dense": "Affine", "Conv": "ConvOutput"}[kind]
        if kind == "Recurrent" and on_grid.statistics:
            came = "drives itself and has a bias or v_leak"
            raise graph.fault(node.name, came, "none, as a recurrent block has no norm")
        return getattr(cuba, kind)(on_grid.arguments, **options), own, shape

    def _feedback(self, node: Node, loop: Feedback, shape: Shape) -> np.ndarray:
        graph = self._graph
        if len(shape) != 1:
            raise graph.fault(node.name, f"drives itself and has shape {shape}", "(neurons,)")
        if loop.delay is not None:
            steps = self._steps(graph.nodes[loop.delay], shape)
            if (steps != 1).any():
                came = f"delays the way back of {node.name} by {steps.max():g} steps"
                raise graph.fault(loop.delay, came, "one, as a recurrent block has")
        weight = graph.nodes[loop.synapse].fields["weight"]
        if weight.shape != (*shape, *shape):
            came = f"holds weight of shape {weight.shape}"
            raise graph.fault(loop.synapse, came, f"({shape[0]}, {shape[0]})")
        return weight

    def _bare(self, node: Node) -> None:
        """A neuron that reads data, or other neurons, without weights in between."""
        source = self._source(node)
        shape, graph = self._shapes[source], self._graph
        if node.kind not in SPIKING or not self._binary(source) or node.name in self._loops:
            came = "reads no synapse"
            expected = "Linear, Affine, a convolution or a pool in front, or events"
            raise graph.fault(node.name, came, expected, "put a Linear node in front")
        unit = self._unit(node, shape)
        if (unit.gain != unit.gain.flat[0]).any():
            came = "reads no synapse, and has a resistance or w_in for every neuron"
            raise graph.fault(node.name, came, "one for all", "put a Linear node in front")
        gain = np.asarray(unit.gain.flat[0])
        on_grid = placed(graph, node, unit, {"weight": gain}, None, quantize=self._quantize)
        own = _variables(on_grid, shape)
        factor = None
        if on_grid.weights["weight"] != 1:
            factor = float(on_grid.weights["weight"])
            own["params"] = {"weight": np.float32(factor)}
        made = cuba.Input(on_grid.arguments, weight=factor, delay_shift=False)
        self._append(node.name, source, (made, own, shape))

    def _binary(self, source: int) -> bool:
        """True for the network's input, and for spikes."""
        while source >= 0:
            made = self._blocks[source]
            if isinstance(made, block.base.Block) and made.binary(False):
                return True
            if not isinstance(made, cuba.Flatten | axon.Delay) and made not in (as_image, as_row):
                return False
            (source,) = self._reads[source]
        return True

    def _flatten(self, node: Node) -> None:
        source = self._source(node)
        shape, graph = self._shapes[source], self._graph
        first, last = (
            int(np.asarray(node.fields[key]).flat[0]) for key in ("start_dim", "end_dim")
        )
        # some count the axis of the batch, which others leave out
        if first not in (0, 1) or last % (len(shape) + first) != len(shape) + first - 1:
            came = f"flattens axes {first} to {last} of {shape}"
            raise graph.fault(node.name, came, "all of them, 0 or 1 to -1")
        flat = (math.prod(shape),)
        own = {"constants": {"shape": np.asarray(flat, np.int32)}}
        self._append(node.name, source, (cuba.Flatten(), own, flat))

    def _steps(self, node: Node, shape: Shape) -> np.ndarray:
        """Steps of a delay per channel."""
        value = np.asarray(node.fields["delay"])
        if (*value.shape[:1], 1, *value.shape[1:]) == shape:
            value = value[:, None]  # behind a convolution over one axis
        fits = value.size == 1 or value.shape in (shape, shape[:1])
        if not fits:
            came = f"holds delay of shape {value.shape}"
            raise self._graph.fault(node.name, came, f"{shape}")
        value = np.full(shape, value.reshape(())) if value.size == 1 else value
        if value.shape != shape:
            value = np.broadcast_to(value.reshape(-1, *(1 for _ in shape[1:])), shape)
        if not per_channel(value):
            raise self._graph.fault(node.name, "has a delay for every pixel", "one per channel")
        steps = value.reshape(len(value), -1)[:, 0] / self._dt
        if (steps < 0).any() or (
            np.abs(steps - np.round(steps)) > CLOSE * np.maximum(steps, 1)
        ).any():
            came = f"holds a delay of {value.min():g} to {value.max():g} s"
            expected = f"whole steps of {self._dt:g} s, 0 or more"
            raise self._graph.fault(node.name, came, expected, "choose another `dt`")
        return np.round(steps)

    def _delay(self, node: Node) -> None:
        """A delay, by the block in front where it can, else by a module of its own."""
        source = self._source(node)
        shape = self._shapes[source]
        steps = self._steps(node, shape)
        (before,) = self._graph.before(node.name)
        shift = int(steps.min() >= 1)
        rest = steps - shift
        made = self._blocks[source] if source >= 0 else None
        takes = getattr(made, "delay_shift", None) is False and not getattr(made, "delay", False)
        alone = self._graph.behind(before) == [node.name]
        lasting = hasattr(made, "delay") and rest.max() <= MAX_DELAY
        if takes and alone and isinstance(made, block.base.Block) and (lasting or not rest.any()):
            more: dict[str, Any] = {"delay": True} if rest.any() else {}
            self._blocks[source] = made.clone(delay_shift=bool(shift), **more)
            if rest.any():
                params = self._variables.setdefault("params", {})
                own = params.setdefault(f"blocks_{source}", {})
                own["delay_line"] = {"delay": jnp.asarray(rest, jnp.float32)}
            self._sent[node.name] = source
            return
        own = {"params": {"delay": np.asarray(steps, np.float32)}}
        self._append(node.name, source, (axon.Delay(max_delay=float(steps.max())), own, shape))


def _variables(on_grid: Placed, shape: Shape) -> dict[str, Any]:
    own: dict[str, Any] = {
        "constants": {"neuron": on_grid.constants, "shape": np.asarray(shape, np.int32)}
    }
    if on_grid.statistics:
        own["batch_stats"] = {"neuron": {"norm": on_grid.statistics}}
    return own
