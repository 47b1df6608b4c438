"""Networks as NIR graphs."""

import io
import os
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from jslayer.block import Sequential
from jslayer.block.base import Block
from jslayer.block.graph import flat, own_variables
from jslayer.block.sequential import name_of
from jslayer.io.replace import replacing
from jslayer.nir.neuron_node import Writing, placed_error
from jslayer.nir.nodes import Part, part_of, sizes_in
from jslayer.nir.rates import METHODS, Method, check_dt
from jslayer.ops import check


def write(
    path: str | os.PathLike[str],
    network: Sequential | Block,
    variables: Mapping[str, Any],
    *,
    dt: float,
    method: Method = "euler",
    input_shape: tuple[int, ...] | None = None,
    keep_shift: bool = True,
) -> None:
    """Writes a network of CUBA blocks as a NIR file; see `to_graph`.

    Args:
      path: Name of the file; one that is there is replaced once the new one is whole.
      network: A `jslayer.Sequential`, a `jslayer.block.Graph` without joins, or one block.
      variables: What ``init`` returned, with the trained parameters.
      dt: Length of a time step in seconds.
      method: How decays become time constants.
      input_shape: ``(C, H, W)`` of the data, where the first block does not tell it.
      keep_shift: Write the step by which blocks delay their output.

    Raises:
      ImportError, TypeError, ValueError: as `to_graph`.
    """
    package = _package()
    graph = to_graph(
        network,
        variables,
        dt=dt,
        method=method,
        input_shape=input_shape,
        keep_shift=keep_shift,
    )
    content = io.BytesIO()
    package.write(content, graph)
    with replacing(path) as file:
        file.write(content.getbuffer())


def to_graph(
    network: Sequential | Block,
    variables: Mapping[str, Any],
    *,
    dt: float,
    method: Method = "euler",
    input_shape: tuple[int, ...] | None = None,
    keep_shift: bool = True,
) -> Any:
    """A network of CUBA blocks as a ``nir.NIRGraph``, to hand on to other libraries.

    A neuron with a current decay ``a`` and a voltage decay ``b`` becomes a CubaLIF (CubaLI as a
    read-out) with ``tau_syn = dt / a``, ``w_in = 1 / a``, ``tau_mem = dt / b``, ``r = 1 / b``,
    whose forward difference is this library's neuron; with ``method="exponential"`` the time
    constants are ``-dt / log(1 - decay)``. Where ``a`` is 1 it is a LIF (LI), and where ``b`` is 0
    too an IF (I) with ``r = 1 / dt``. ``v_reset`` is 0. The running mean of a
    `jslayer.neuron.MeanOnlyBatchNorm` becomes ``v_leak``. Weights are those in use, normalised,
    masked and quantised, in units of the threshold.

    Dense, Recurrent and read-outs become Linear nodes, Conv a Conv2d with a bias of zeros, Pool a
    SumPool2d whose weight is in ``w_in`` or ``r``. A block's delays are a Delay node: the step by
    which it waits as hardware does, and the learned steps. Other libraries have no such step, and
    few read Delay nodes: build blocks with ``delay_shift=False``, or leave it out with
    ``keep_shift=False``, after which every layer sends a step earlier.

    Surrogates, dropout and what else serves training are not written.

    Args:
      network: A `jslayer.Sequential`, a `jslayer.block.Graph` without joins, or one block.
      variables: What ``init`` returned, with the trained parameters.
      dt: Length of a time step in seconds.
      method: How decays become time constants.
      input_shape: ``(C, H, W)`` of the data, where the first block does not tell it.
      keep_shift: Write the step by which blocks delay their output.

    Returns:
      The graph; its metadata hold ``dt``.

    Raises:
      ImportError: the package ``nir`` is not installed.
      TypeError: NIR has no node for a block or its neuron (resonators, adaptive thresholds,
        sigma-delta, transposed convolutions, k winners take all, functions).
      ValueError: ``dt`` is missing or not above 0, or NIR cannot hold a block's numbers (a norm
        that scales, graded spikes, a decay of 0 beside another, joined channels).
    """
    package = _package()
    step = check_dt(dt, "pass it")
    check.choice("method", method, METHODS)
    graph = Writing(package, step, method, keep_shift)
    entries, outputs = flat(network)
    parts: list[Part] = []
    shapes: dict[int, tuple[int, ...]] = {}
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    ends = {-1: "input"}
    for number, entry in enumerate(entries):
        place = "/".join(entry.path) or name_of(entry.block)
        if len(entry.reads) > 1:
            came = "joins the outputs of several blocks"
            raise placed_error(ValueError, place, came, "one block to read, as NIR has no join")
        own = own_variables(entry.path, variables)
        (source,) = entry.reads
        if source < 0:
            shapes.setdefault(-1, sizes_in(entry.block, own, place, input_shape))
        part = part_of(graph, entry.block, own, place, shapes[source])
        parts.append(part)
        shapes[number] = part.shape
        last = ends[source]
        for kind, node in part.chain:
            name = f"{kind}_{number}"
            nodes[name] = node
            edges.append((last, name))
            last = name
            if kind == "neuron" and part.feedback is not None:
                loop = f"recurrent_{number}"
                nodes[loop] = part.feedback
                edges += [(name, loop), (loop, name)]
        ends[number] = last
    first = {"input": package.Input({"input": np.array(shapes[-1])})}
    for number, source in enumerate(outputs):
        name = "output" if len(outputs) == 1 else f"output_{number}"
        nodes[name] = package.Output({"output": np.array(shapes[source])})
        edges.append((ends[source], name))
    return package.NIRGraph(
        {**first, **nodes}, edges, metadata={"dt": step, "writer": "jslayer"}, type_check=False
    )


def _package() -> ModuleType:
    try:
        import nir
    except ImportError as error:
        raise ImportError(
            "writing NIR graphs needs the package nir; install it: pip install nir."
        ) from error
    return nir
