"""The kinds of blocks, and all of them for a kind of neuron of your own."""

import dataclasses
import types

from jslayer.block import base, layers, recurrent, unweighted
from jslayer.neuron.base import Neuron

KINDS: dict[str, type[base.Block]] = {
    "Input": unweighted.Input,
    "Output": layers.Output,
    "Flatten": unweighted.Flatten,
    "Average": unweighted.Average,
    "Affine": layers.Affine,
    "TimeDecimation": unweighted.TimeDecimation,
    "Dense": layers.Dense,
    "Conv": layers.Conv,
    "ConvOutput": layers.ConvOutput,
    "Pool": layers.Pool,
    "ConvT": layers.ConvT,
    "Unpool": layers.Unpool,
    "KWTA": recurrent.KWTA,
    "Recurrent": recurrent.Recurrent,
}
"""All kinds of blocks, by name."""


class Family(types.SimpleNamespace):
    """The blocks of one kind of neuron, under their names."""

    Input: type[unweighted.Input]
    Output: type[layers.Output]
    Flatten: type[unweighted.Flatten]
    Average: type[unweighted.Average]
    Affine: type[layers.Affine]
    TimeDecimation: type[unweighted.TimeDecimation]
    Dense: type[layers.Dense]
    Conv: type[layers.Conv]
    ConvOutput: type[layers.ConvOutput]
    Pool: type[layers.Pool]
    ConvT: type[layers.ConvT]
    Unpool: type[layers.Unpool]
    KWTA: type[recurrent.KWTA]
    Recurrent: type[recurrent.Recurrent]


def family(neuron: type[Neuron], name: str = "family") -> Family:
    """All blocks of one kind of neuron under their names: for a neuron class of your own.

    Args:
      neuron: A neuron class.
      name: What the family is called in messages.

    Returns:
      A namespace with ``Dense``, ``Conv`` and so on.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jslayer.neuron import cuba
      >>> class Slow(cuba.Neuron):
      ...     current_decay: float = 0.1
      ...     voltage_decay: float = 0.01
      >>> slow = family(Slow)
      >>> layer = slow.Dense({"threshold": 1.0}, 3, 2)
      >>> x = jnp.ones((1, 3, 10))
      >>> layer.apply(layer.init(jax.random.key(0), x), x).shape
      (1, 2, 10)
    """
    return Family(**{kind: _block(kind, neuron, name) for kind in KINDS})


def _block(name, neuron, module):
    kind = KINDS[name]
    first = kind.__doc__.splitlines()[0]
    doc = f"{first} The neuron is `{neuron.__module__}.Neuron`; see `{kind.__module__}.{name}`."
    members = {"__doc__": doc, "__module__": module, "neuron_kind": neuron}
    fields = {field.name for field in dataclasses.fields(kind)}
    if not neuron.block_shift and "delay_shift" in fields:
        members |= {"__annotations__": {"delay_shift": bool}, "delay_shift": False}
    return type(name, (kind,), members)
