"""A network with its weights worked out once: for inference step by step."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax

from jslayer.block.altered import altered
from jslayer.block.calls import called_blocks
from jslayer.block.graph import copied, own_variables, put
from jslayer.block.layers import Layer
from jslayer.block.recurrent import Recurrent
from jslayer.block.sequential import Sequential, is_own
from jslayer.ops import event_batch

Variables = Mapping[str, Any]


def folded(
    network: nn.Module, variables: Variables, sample: Any = None
) -> tuple[Any, dict[str, Any]]:
    """Works out the weights in use: normalised, masked, quantised, once for all steps.

    A call computes them anew from the parameters, which costs nothing beside many steps of time but
    most of a single step. The folded network computes the same, bit for bit; it is not to be
    trained further.

    Args:
      network: A `Sequential` or `Graph`, or a module of your own that calls blocks.
      variables: What ``network.init`` returned, trained.
      sample: For a module of your own data as it takes them, ``[N, C, ..., T]``: its blocks are
        those that are called. In a `Sequential` modules of your own stay as they are without it.

    Returns:
      The same network without weight norm and hooks, and its variables.

    Raises:
      TypeError: ``network`` is neither.
      ValueError: it is a module of your own, and there is no ``sample``.

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
    if isinstance(network, Sequential) and sample is None:
        light, params = _row(network, variables.get("params", {}))
        return light, {**variables, "params": params}
    if not isinstance(network, Sequential) and not is_own(network):
        raise TypeError(
            f"`network` is a {type(network).__name__}, expected a Sequential of blocks, or a "
            "module that calls blocks; fold the network that it is in."
        )
    if sample is None:
        raise ValueError(
            f"`sample` is None, expected data as {type(network).__name__} takes them, "
            "[N, C, ..., T]: which blocks it has is seen when it is called; pass some."
        )
    params = copied(variables.get("params", {}))
    shape = event_batch.dense(sample)
    shape = jax.ShapeDtypeStruct(shape.shape, shape.dtype)
    for path, block in called_blocks(network, variables, shape).items():
        own = own_variables(path, {"params": params}).get("params")
        if isinstance(block, Layer) and own is not None:
            put(params, path, _folded(block, own)[1])
    return altered(network, _light), {**variables, "params": params}


def _row(network: Sequential, given: Variables) -> tuple[Sequential, dict[str, Any]]:
    """Blocks in a row and their parameters; rows in it too."""
    params, blocks = dict(given), []
    for number, block in enumerate(network.blocks):
        name = f"blocks_{number}"
        if name in params and isinstance(block, Layer | Sequential):
            fold = _row if isinstance(block, Sequential) else _folded
            block, params[name] = fold(block, params[name])
        blocks.append(block)
    return network.clone(blocks=tuple(blocks)), params


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
    return _light(block), params


def _light(block: nn.Module) -> nn.Module:
    """A block that takes its weights as they are; another module as it is."""
    if not isinstance(block, Layer):
        return block
    changes = {"weight_norm": False, "pre_hook_fx": None}
    changes = {n: v for n, v in changes.items() if getattr(block, n, v) is not v}
    return block.clone(**changes) if changes else block


def _weights(found):
    if isinstance(found, tuple):
        return {part: _weights(one) for part, one in zip(("real", "imag"), found, strict=True)}
    return {"weight": found}
