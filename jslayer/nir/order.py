"""Which node reads which: loops of single layers taken apart, the rest in order."""

import dataclasses

from jslayer.nir.graph import DENSE, NEURONS, Graph


@dataclasses.dataclass
class Feedback:
    """Nodes through which a neuron drives itself.

    Attributes:
      synapse: Name of the dense node.
      delay: Name of the node of delay in front of it, or ``None``.
    """

    synapse: str
    delay: str | None


def feedbacks(graph: Graph) -> dict[str, Feedback]:
    """The loops of single layers by the neuron's name, which are taken out of the graph.

    Raises:
      NetworkFileError: a neuron has several, or drives itself without weights.
    """
    found: dict[str, Feedback] = {}
    for name, node in list(graph.nodes.items()):
        if node.kind not in NEURONS:
            continue
        if name in graph.before(name):
            raise graph.fault(name, "reads itself", "a Linear node in between")
        loops = [loop for before in graph.before(name) if (loop := _loop(graph, name, before))]
        if len(loops) > 1:
            came = f"drives itself through {' and '.join(loop.synapse for loop in loops)}"
            raise graph.fault(name, came, "one node of weights", "add them up")
        if loops:
            found[name] = loops[0]
            _take_out(graph, name, loops[0])
    return found


def _loop(graph: Graph, name: str, synapse: str) -> Feedback | None:
    """The loop that ends with a node of weights, if there is one."""
    if graph.nodes[synapse].kind not in DENSE or len(graph.before(synapse)) != 1:
        return None
    (start,) = graph.before(synapse)
    if start == name:
        return Feedback(synapse, None)
    if graph.nodes[start].kind == "Delay" and graph.before(start) == [name]:
        return Feedback(synapse, start)
    return None


def _take_out(graph: Graph, name: str, loop: Feedback) -> None:
    """Removes the edges of a loop; its nodes stay, for their numbers."""
    gone = {(loop.synapse, name), (loop.delay or name, loop.synapse)}
    if loop.delay is not None and len(graph.behind(loop.delay)) == 1:
        gone.add((name, loop.delay))
    graph.edges = [edge for edge in graph.edges if edge not in gone]


def ordered(graph: Graph, apart: set[str]) -> list[str]:
    """Names of all nodes but those ``apart``, each behind what it reads.

    Raises:
      NetworkFileError: nodes go round in a circle, or one reads nothing or is read by nothing.
    """
    names = [name for name in graph.nodes if name not in apart or graph.before(name)]
    left = dict.fromkeys(names)
    waits = {name: sum(before in left for before in graph.before(name)) for name in names}
    found: list[str] = []
    ready = [name for name in names if not waits[name]]
    while ready:
        name = ready.pop(0)
        del left[name]
        found.append(name)
        for behind in graph.behind(name):
            if behind in left:
                waits[behind] -= 1
                ready += [] if waits[behind] else [behind]
    if left:
        raise graph.fault(_on_circle(graph, left), *CIRCLE)
    for name in found:
        kind = graph.nodes[name].kind
        if kind != "Input" and not graph.before(name):
            raise graph.fault(name, "reads nothing", "an edge to it", "connect it, or leave it out")
        if kind != "Output" and not graph.behind(name):
            expected = "an edge from it, to an Output in the end"
            raise graph.fault(name, "is read by nothing", expected, "connect it, or leave it out")
    return found


CIRCLE = (
    "stands on a circle of nodes",
    "none but a neuron, perhaps a Delay of a step, a Linear node and the neuron again",
    "cut the circle: no block has a way back over several layers, or one without delay",
)


def _on_circle(graph: Graph, left: dict[str, None]) -> str:
    """A node that is on a circle, not only behind one."""
    name, seen = next(iter(left)), set()
    while name not in seen:
        seen.add(name)
        name = next(before for before in graph.before(name) if before in left)
    return name
