"""A NIR graph as plain records, subgraphs opened."""

import collections
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from jslayer.hdf5.errors import NetworkFileError, fault

ACTION = "write the graph again"

NODES: Mapping[str, tuple[str, ...]] = {
    "Input": (),
    "Output": (),
    "Linear": ("weight",),
    "Affine": ("weight", "bias"),
    "Conv1d": ("weight", "stride", "padding", "dilation", "groups", "bias"),
    "Conv2d": ("weight", "stride", "padding", "dilation", "groups", "bias"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "Flatten": ("start_dim", "end_dim"),
    "Delay": ("delay",),
    "IF": ("r", "v_threshold"),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "w_in"),
    "I": ("r",),
    "LI": ("tau", "r", "v_leak"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
}
"""Kinds of nodes that have a place here, and what each must hold."""

SPIKING = ("IF", "LIF", "CubaLIF")
NEURONS = (*SPIKING, "I", "LI", "CubaLI")
DENSE = ("Linear", "Affine")
CONVOLUTIONS = ("Conv1d", "Conv2d")
POOLS = ("SumPool2d", "AvgPool2d")
SYNAPSES = (*DENSE, *CONVOLUTIONS, *POOLS)

MOST_EDGES = 2**12

DEEPEST = 8
"""Graphs in graphs."""


@dataclasses.dataclass
class Node:
    """A node of a graph.

    Attributes:
      name: Its name; of one in a subgraph with that of the subgraph and a slash in front.
      kind: What NIR calls it.
      fields: Arrays and texts by name.
      parent: Name of the subgraph; empty for the graph itself.
    """

    name: str
    kind: str
    fields: dict[str, Any]
    parent: str


@dataclasses.dataclass
class Graph:
    """Nodes by name and who reads whom.

    Attributes:
      file: What to call it in messages.
      nodes: By name.
      edges: From, to.
      dt: Step in seconds that its metadata say, or ``None``.
    """

    file: str
    nodes: dict[str, Node]
    edges: list[tuple[str, str]]
    dt: Any = None
    _known: Any = None

    def fault(self, name: str, came: str, expected: str, action: str = ACTION) -> NetworkFileError:
        """The error of a node."""
        return fault(self.file, f"node {name}" if name else "", came, expected, action)

    def before(self, name: str) -> list[str]:
        """Names of the nodes that a node reads."""
        return self._neighbours()[0].get(name, [])

    def behind(self, name: str) -> list[str]:
        """Names of the nodes that read a node."""
        return self._neighbours()[1].get(name, [])

    def _neighbours(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Who is read and who reads, by name, found once for the edges as they are."""
        if self._known is None or self._known[0] is not self.edges:
            before: dict[str, list[str]] = {}
            behind: dict[str, list[str]] = {}
            for a, b in self.edges:
                before.setdefault(b, []).append(a)
                behind.setdefault(a, []).append(b)
            self._known = self.edges, before, behind
        return self._known[1:]


def graph_of(content: Mapping[str, Any], file: str) -> Graph:
    """The graph of NIR's dictionary of nodes, as ``NIRGraph.to_dict`` gives it.

    Args:
      content: ``type``, ``nodes``, ``edges`` and perhaps ``metadata``.
      file: What to call it in messages.

    Raises:
      NetworkFileError: a kind of node is unknown, or lacks what it must hold; an edge leads nowhere
        or stands twice.
    """
    found = Graph(file, {}, [], noted(content, "dt"))
    _open(found, "", content, 0)
    return found


def noted(content: Mapping[str, Any], name: str) -> Any:
    """A number among the metadata of a graph or node, or ``None``."""
    metadata = content.get("metadata")
    value = metadata.get(name) if isinstance(metadata, Mapping) else None
    return value.item() if isinstance(value, np.ndarray | np.number) and value.size == 1 else value


def _open(found: Graph, prefix: str, content: Mapping[str, Any], depth: int) -> None:
    """Adds the nodes and edges of a graph, those of subgraphs too."""
    if depth > DEEPEST:
        raise found.fault(prefix.rstrip("/"), "lies too deep", f"at most {DEEPEST} subgraphs")
    nodes, edges = content.get("nodes"), content.get("edges")
    if content.get("type") != "NIRGraph" or not isinstance(nodes, Mapping) or edges is None:
        came, expected = "is no graph of nodes and edges", "a NIRGraph"
        raise found.fault(prefix.rstrip("/"), came, expected)
    for name, node in nodes.items():
        full = f"{prefix}{name}"
        if isinstance(node, Mapping) and node.get("type") == "NIRGraph":
            _open(found, f"{full}/", node, depth + 1)
        else:
            found.nodes[full] = _node(found, full, node, prefix.rstrip("/"))
    own = [(str(a), str(b)) for a, b in edges]
    if len(own) > MOST_EDGES or len(nodes) > MOST_EDGES:
        came = f"has {len(nodes)} nodes and {len(own)} edges"
        raise found.fault(prefix.rstrip("/"), came, f"at most {MOST_EDGES} of them")
    for a, b in own:
        for name in (a, b):
            if name not in nodes:
                came = f"has an edge from {a} to {b}"
                raise found.fault(prefix.rstrip("/"), came, f"a node {name} in the graph")
    if len(set(own)) < len(own):
        twice = collections.Counter(own).most_common(1)[0][0]
        came = f"has the edge from {twice[0]} to {twice[1]} more than once"
        raise found.fault(prefix.rstrip("/"), came, "each edge once")
    ends = lambda name, kind: _ends(found, prefix, nodes, name, kind)
    more = [(a, b) for out, to in own for a in ends(out, "Output") for b in ends(to, "Input")]
    found.edges = [*found.edges, *more]
    if prefix:
        return
    inner = [n for n in found.nodes.values() if n.parent and n.kind in ("Input", "Output")]
    for node in inner:
        _bypass(found, node.name)


def _ends(
    found: Graph, prefix: str, nodes: Mapping[str, Any], name: str, kind: str
) -> Iterable[str]:
    """The node itself, or where a subgraph begins or ends."""
    full = f"{prefix}{name}"
    if nodes[name].get("type") != "NIRGraph":
        return [full]
    ends = [node.name for node in found.nodes.values() if node.kind == kind and node.parent == full]
    if len(ends) != 1:
        came = f"is a subgraph with {len(ends)} nodes of kind {kind}"
        raise found.fault(full, came, "one")
    return ends


def _bypass(found: Graph, name: str) -> None:
    """Takes out a node that hands on what it reads."""
    before, behind = found.before(name), found.behind(name)
    if len(before) * len(behind) > MOST_EDGES:
        came = f"joins {len(before)} nodes with {len(behind)}"
        raise found.fault(name, came, f"{MOST_EDGES} edges at most")
    rest = [edge for edge in found.edges if name not in edge]
    found.edges = [*rest, *((a, b) for a in before for b in behind)]
    del found.nodes[name]


def _node(found: Graph, name: str, content: Any, parent: str) -> Node:
    kind = str(content.get("type") if isinstance(content, Mapping) else None)
    if kind not in NODES:
        came = f"is of kind {kind}"
        raise found.fault(name, came, f"one of {', '.join(NODES)}", "replace it by those")
    fields = {key: value for key, value in content.items() if value is not None}
    missing = [key for key in NODES[kind] if key not in fields]
    if missing:
        raise found.fault(name, f"of kind {kind} has no {missing[0]}", "it")
    for key in NODES[kind]:
        if not (key == "padding" and isinstance(fields[key], str)):
            fields[key] = _numbers(found, name, key, fields[key])
    return Node(name, kind, fields, parent)


def _numbers(found: Graph, name: str, key: str, value: Any) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise found.fault(name, f"holds {key} of dtype {array.dtype}", "real numbers")
    if not array.size:
        raise found.fault(name, f"holds {key} of shape {array.shape}", "at least one number")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise found.fault(name, f"holds {key} with NaN or infinity", "finite numbers")
    return array
