"""All kinds of blocks, and a family of them for a neuron class of your own."""

import dataclasses
import types

from jslayer.block import base, layers, recurrent, without_synapse
from jslayer.neuron.base import Neuron

KINDS: dict[str, type[base.Block]] = {
    "Input": without_synapse.Input,
    "Output": layers.Output,
    "Flatten": without_synapse.Flatten,
    "Average": without_synapse.Average,
    "Affine": layers.Affine,
    "TimeDecimation": without_synapse.TimeDecimation,
    "Dense": layers.Dense,
    "Conv": layers.Conv,
    "Pool": layers.Pool,
    "ConvT": layers.ConvT,
    "Unpool": layers.Unpool,
    "KWTA": recurrent.KWTA,
    "Recurrent": recurrent.Recurrent,
}
"""All kinds of blocks, by name."""


def family(neuron: type[Neuron], name: str = "family") -> types.SimpleNamespace:
    """All blocks of one kind of neuron under their names: for a neuron class of your own.

    Those of the library's neurons are `jslayer.block.cuba` and so on.

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
    made = {kind: _block(kind, cls, neuron, name) for kind, cls in KINDS.items()}
    return types.SimpleNamespace(**made)


def _block(name, kind, neuron, module):
    first = kind.__doc__.splitlines()[0]
    doc = f"{first} The neuron is `{neuron.__module__}.Neuron`; see `{kind.__module__}.{name}`."
    members = {"__doc__": doc, "__module__": module, "neuron_kind": neuron}
    fields = {field.name for field in dataclasses.fields(kind)}
    if not neuron.block_shift and "delay_shift" in fields:
        members |= {"__annotations__": {"delay_shift": bool}, "delay_shift": False}
    return type(name, (kind,), members)
