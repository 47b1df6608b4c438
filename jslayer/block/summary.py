"""A network as a table: its shapes, its size, and what a run costs against the same network as ANN.

Costs are counted as neuromorphic hardware counts them. A synaptic operation is one event that
arrives at one neuron; the same network as an artificial one multiplies every connection each step.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from jslayer.block.calls import Calls, calls_of
from jslayer.block.graph import join, own_variables
from jslayer.block.layers import Layer
from jslayer.block.recurrent import KWTA, Recurrent
from jslayer.block.sequential import Sequential, is_own, name_of
from jslayer.ops import event_batch
from jslayer.synapse import fan_out

COLUMNS = (
    "layer",
    "W",
    "H",
    "C",
    "kernel",
    "stride",
    "padding",
    "delay",
    "neurons",
    "synapses",
    "parameters",
)
COSTS = ("events", "rate", "synops", "ANN ops", "saving")


@dataclasses.dataclass(frozen=True)
class Summary:
    """Rows of a network's table.

    Attributes:
      rows: One mapping per layer, by column; see `summary`.
    """

    rows: tuple[Mapping[str, Any], ...]

    @property
    def total(self) -> dict[str, Any]:
        """Sums over all layers of what can be summed."""
        names = ("neurons", "synapses", "parameters", "events", "synops", "ANN ops")
        found = {n: sum(row[n] for row in self.rows) for n in names if n in self.rows[0]}
        if found.get("synops"):
            found["saving"] = found["ANN ops"] / found["synops"]
        return found

    def __str__(self) -> str:
        """The table as text."""
        columns = [name for name in (*COLUMNS, *COSTS) if name in self.rows[0]]
        lines = [columns, *([_text(row.get(c, "")) for c in columns] for row in self.rows)]
        total = {"layer": "total", **self.total}
        lines.append([_text(total.get(c, "")) for c in columns])
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        left = lambda line: line[0].ljust(widths[0])
        right = lambda line: "  ".join(
            v.rjust(w) for v, w in zip(line[1:], widths[1:], strict=True)
        )
        text = [f"{left(line)}  {right(line)}".rstrip() for line in lines]
        rule = "-" * max(map(len, text))
        return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])


def summary(
    network: nn.Module,
    variables: Mapping[str, Any],
    x: jax.Array | np.ndarray,
    *,
    run: bool = True,
) -> Summary:
    """The table of a network, layer by layer.

    Columns: ``layer``; ``W``, ``H``, ``C`` of the output; ``kernel``, ``stride``, ``padding`` of a
    convolution or pool; the largest learned ``delay`` in steps; ``neurons``, ``synapses`` (masked
    ones left out; complex ones count twice), learned ``parameters``. After a run also, per sample
    and step: ``events`` sent and their ``rate`` (fraction of neurons), ``synops`` (events that came
    in times their fan-out, feedback included), ``ANN ops`` (the synapses) and their ratio.

    Args:
      network: A `Sequential` or a `Graph`; or a module of your own, whose blocks are the layers, in
        the order of their first calls.
      variables: What ``network.init`` returned.
      x: ``[N, C, ..., T]``, an input to count on; a batch of lists becomes its tensor.
      run: ``False`` gives the shapes and sizes only.

    Returns:
      A `Summary`; print it, or read its rows.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> network = Sequential([cuba.Dense(neuron, 6, 4), cuba.Dense(neuron, 4, 2)])
      >>> x = jnp.ones((1, 6, 20))
      >>> variables = network.init(jax.random.key(0), x)
      >>> print(summary(network, variables, x, run=False))
      layer       W  H  C  kernel  stride  padding  delay  neurons  synapses  parameters
      ----------------------------------------------------------------------------------
      cuba Dense  1  1  4                                        4        24          24
      cuba Dense  1  1  2                                        2         8           8
      ----------------------------------------------------------------------------------
      total                                                      6        32          32
    """
    if not isinstance(network, Sequential) or any(map(_holds_blocks, network.blocks)):
        return _called(network, variables, event_batch.dense(x), run)
    rows, sent = [], {-1: event_batch.dense(x)}
    for number, block in enumerate(network.blocks):
        own = own_variables((f"blocks_{number}",), variables)
        read = [sent[source] for source in network.reads(number)]
        apply = functools.partial(_apply, number, block)
        joined, y = jax.jit(apply)(own, *read) if run else jax.eval_shape(apply, own, *read)
        sent[number] = y
        rows.append(_row(block, own, joined, y, run))
    return Summary(tuple(rows))


def _holds_blocks(module):
    return isinstance(module, Sequential) or is_own(module)


def _called(network, variables, x, run):
    """The table of a network by the blocks that it calls."""
    met: list[Calls] = []

    def went_through(variables, x):
        met[:] = calls_of(network, variables, x)
        return [calls.pairs for calls in met]

    seen = (
        jax.jit(went_through)(variables, x) if run else jax.eval_shape(went_through, variables, x)
    )
    if not met:
        raise ValueError(
            f"{type(network).__name__} calls no blocks, expected a network of them; build it of "
            "those in `jslayer.block`."
        )
    rows = []
    for (path, block, _), pairs in zip(met, seen, strict=True):
        own = own_variables(path, variables)
        rows.append(_together([_row(block, own, x, y, run) for x, y in pairs]))
    return Summary(tuple(rows))


def _together(rows):
    """One block, called several times: of its size once, and of its costs all."""
    first = rows[0]
    names = [name for name in ("events", "synops", "ANN ops") if name in first]
    row = {**first, **{name: sum(other[name] for other in rows) for name in names}}
    if first.get("rate", "") != "":
        row["rate"] = sum(other["rate"] for other in rows) / len(rows)
    if row.get("synops"):
        row["saving"] = row["ANN ops"] / row["synops"]
    return row


def _apply(number, block, variables, *read):
    x = join(number, read)
    if isinstance(block, nn.Module):
        found, _ = block.apply(variables, x, mutable=["state"])
    else:
        found = block(x)
    return x, found[0] if isinstance(found, tuple) else found


def _row(block, variables, x, y, run):
    shape = y.shape[1:-1]
    channels, height, width = (*shape, 1, 1) if len(shape) == 1 else shape
    family = f"{type(block).__module__.rpartition('.')[2]} " if isinstance(block, nn.Module) else ""
    neurons = int(np.prod(shape)) if getattr(block, "neuron_params", None) is not None else 0
    leaves = jax.tree.leaves(variables.get("params", {}))
    row = {
        "layer": f"{family}{name_of(block)}",
        "W": width,
        "H": height,
        "C": channels,
        "kernel": _size(getattr(block, "kernel_size", None)),
        "stride": _size(getattr(block, "stride", None)),
        "padding": _size(getattr(block, "padding", None)),
        "delay": _longest(variables),
        "neurons": neurons,
        "synapses": 0,
        "parameters": sum(leaf.size for leaf in leaves),
    }
    ways = np.zeros(x.shape[1:-1], np.int64)
    feedback = 0
    if isinstance(block, Layer):
        ways = fan_out(block.new_synapse(parent=None), x.shape[1:-1])
        feedback = _feedback(block)
    row["synapses"] = int(ways.sum()) + feedback * channels
    if not run:
        return row
    steps = x.shape[0] * x.shape[-1]
    came = np.count_nonzero(np.asarray(x), axis=(0, -1))
    sent = np.count_nonzero(np.asarray(y)) / (y.shape[0] * y.shape[-1])
    synops = float((came * ways).sum() / steps + sent * feedback)
    counts = neurons > 0
    row["events"] = sent if counts else 0.0
    row["rate"] = sent / np.prod(shape) if counts else ""
    row["synops"] = synops
    row["ANN ops"] = row["synapses"]
    row["saving"] = row["synapses"] / synops if synops else ""
    return row


def _feedback(block):
    """Fan-out of an output's spike within its own layer."""
    if isinstance(block, KWTA):
        return block.out_neurons
    if isinstance(block, Recurrent):
        synapse = block.feedback_synapse(parent=None)
        return int(fan_out(synapse, (block.out_neurons,)).sum()) / block.out_neurons
    return 0


def _size(value):
    if value is None:
        return ""
    pair = value if isinstance(value, tuple) else (value, value)
    return f"{pair[0]}x{pair[1]}"


def _longest(variables):
    delay = variables.get("params", {}).get("delay_line")
    return "" if delay is None else int(np.floor(np.max(np.asarray(delay["delay"]))))


def _text(value):
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{int(value):,}"
