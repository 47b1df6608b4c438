"""NIR graphs as networks that run and train on."""

import os
from typing import Any

from jslayer.block import Sequential
from jslayer.nir.build import Builder
from jslayer.nir.file import content_of
from jslayer.nir.graph import graph_of
from jslayer.nir.rates import METHODS, Method, check_dt
from jslayer.ops import check


def read(
    source: Any,
    *,
    dt: float | None = None,
    method: Method = "euler",
    quantize: bool = True,
    max_bytes: int | None = None,
) -> tuple[Sequential, dict[str, Any]]:
    """A NIR graph as a network of CUBA blocks and its variables, to run or train on.

    A spiking neuron of NIR, ``tau_syn di/dt = -i + w_in s``, ``tau_mem dv/dt = v_leak - v + r i``,
    ``v = v_reset`` where ``v > v_threshold``, becomes, with the decays ``a`` of ``tau_syn`` and
    ``b`` of ``tau_mem`` per step,

    ``u[t] = (1 - a) u[t-1] + (a w_in b r) W s[t]``,
    ``v[t] = (1 - b) v[t-1] + u[t] + b (v_leak - v_reset)``,

    and spikes where ``v[t] > v_threshold - v_reset``, which sets ``v`` to 0: the voltage is counted
    from ``v_reset``, where it starts. ``method`` says what a decay is: ``"euler"``: ``dt / tau``,
    ``"exponential"``: ``1 - exp(-dt / tau)``. Without a synaptic time constant (LIF, LI) ``a`` and
    ``w_in`` are 1; IF and I integrate ``dt r W s`` without a leak.

    The numbers then go to the grids of the hardware: decays to 1/4096, weights (with the factor in
    brackets) to 8 bits, thresholds to whole integer weights. There are ``scale`` of these per
    threshold unit: what `write` noted, or 64, where they hold all numbers exactly, else the power
    of two at which the largest weight just fits. So what `write` wrote comes back with equal
    spikes, and graphs of other libraries with theirs up to that rounding.

    A synapse and the neuron behind it are one block: Linear and Affine become ``Dense``, with a
    loop ``Recurrent``, convolutions ``Conv``, pools ``Pool``; behind I, LI, CubaLI or nothing they
    are the read-outs ``Affine`` and ``ConvOutput``. A pool alone is a `jslayer.synapse.Pool`, a
    Delay goes into the block in front or is a `jslayer.axon.Delay`, a neuron that reads events
    without weights is an ``Input``. A convolution over one axis takes ``[N, C, L, T]``. A bias
    enters the voltage: exactly where nothing filters it, else as what it comes to in the long run.

    Args:
      source: Name of a NIR file, or a ``nir.NIRGraph``.
      dt: Length of a time step in seconds; ``None``: as `write` noted it.
      method: How time constants become decays.
      quantize: Round weights to 8 bits and go on doing so in training; ``False``: keep them as they
        are, which no hardware holds.
      max_bytes: Bytes that the file may become when it is read; ``None`` for the usual limit, as in
        `jslayer.hdf5.read`.

    Returns:
      The network, a `jslayer.Sequential` or a `jslayer.block.Graph`, for ``[N, C, ..., T]``, and
      its variables.

    Raises:
      NetworkFileError: the file is damaged, or holds a node, a circle, a sum or a number that no
        block has; the message names the node.
      ValueError: ``dt`` is missing or not above 0.
      FileNotFoundError, IsADirectoryError, PermissionError: as `jslayer.hdf5.read`.

    Warns:
      UserWarning: a bias in front of a synaptic time constant acts from the first step.

    References:
      Pedersen et al., Neuromorphic Intermediate Representation: A Unified Instruction Set for
      Interoperable Brain-Inspired Computing, 2024.
    """
    check.choice("method", method, METHODS)
    if isinstance(source, str | os.PathLike):
        content, name = content_of(source, max_bytes), os.fspath(source)
    elif hasattr(source, "to_dict") and hasattr(source, "nodes"):
        content, name = source.to_dict(), "graph"
    else:
        raise TypeError(
            f"`source` is a {type(source).__name__}, expected the name of a NIR file or a "
            "nir.NIRGraph; give one of them."
        )
    graph = graph_of(content, name)
    step = check_dt(graph.dt if dt is None else dt, f"{name} does not say it, so pass it")
    return Builder(graph, step, method, quantize).network()
