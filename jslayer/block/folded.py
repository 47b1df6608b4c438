"""A network with its weights worked out once: for inference step by step."""

from collections.abc import Mapping
from typing import Any

from jslayer.block.layers import Layer
from jslayer.block.recurrent import Recurrent
from jslayer.block.sequential import Sequential

Variables = Mapping[str, Any]


def folded(network: Sequential, variables: Variables) -> tuple[Sequential, dict[str, Any]]:
    """Works out the weights in use: normalised, masked, quantised, once for all steps.

    A call computes them anew from the parameters, which costs nothing beside many steps of time but
    most of a single step. The folded network computes the same, bit for bit; it is not to be
    trained further.

    Args:
      network: Blocks one after the other.
      variables: What ``network.init`` returned, trained.

    Returns:
      The same network without weight norm and hooks, and its variables.

    Raises:
      TypeError: ``network`` is no `Sequential`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> network = Sequential([cuba.Dense(neuron, 3, 2, weight_norm=True)])
      >>> x = jnp.ones((1, 3, 6))
      >>> variables = network.init(jax.random.key(0), x)
      >>> light, weights = folded(network, variables)
      >>> bool((light.apply(weights, x) == network.apply(variables, x)).all())
      True
    """
    if not isinstance(network, Sequential):
        raise TypeError(
            f"`network` is a {type(network).__name__}, expected a Sequential of blocks; fold the "
            "Sequential inside of it."
        )
    params = dict(variables.get("params", {}))
    blocks = []
    for number, block in enumerate(network.blocks):
        name = f"blocks_{number}"
        if isinstance(block, Layer) and name in params:
            block, params[name] = _folded(block, params[name])
        blocks.append(block)
    return network.clone(blocks=tuple(blocks)), {**variables, "params": params}


def _folded(block, params):
    """One block and its parameters with the weights of its synapses in use."""
    synapses = {"synapse": block.new_synapse(parent=None)}
    if isinstance(block, Recurrent):
        synapses = {
            "input_synapse": block.new_synapse(parent=None),
            "recurrent_synapse": block.feedback_synapse(parent=None),
        }
    params = dict(params)
    for name, synapse in synapses.items():
        if name in params:  # a pool without weight norm has nothing to fold
            params[name] = _weights(synapse.weight_in_use(params[name]))
    changes = {"weight_norm": False, "pre_hook_fx": None}
    return block.clone(**{n: v for n, v in changes.items() if hasattr(block, n)}), params


def _weights(found):
    if isinstance(found, tuple):
        return {part: _weights(one) for part, one in zip(("real", "imag"), found, strict=True)}
    return {"weight": found}
