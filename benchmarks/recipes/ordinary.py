"""A sigma-delta network without sigma and delta, of the same parameters; operations of both."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from jslayer import synapse
from jslayer.block import Sequential, sigma_delta


@dataclasses.dataclass(frozen=True)
class Ordinary:
    """The ordinary network of a sigma-delta one; `init` and `apply` as that has.

    Attributes:
      network: The sigma-delta network.
    """

    network: Sequential

    def init(self, *arguments: Any) -> Any:
        """Variables, those of the sigma-delta network."""
        return self.network.init(*arguments)

    def apply(self, variables: Any, x: Any, *, train: bool = False, **options: Any) -> Any:
        """Synapse, bias and rectifier, frame by frame."""
        del train
        *_, (_, y) = inputs(self.network, ordinary_block, variables, x)
        return (y, {}) if options.get("mutable", False) is not False else y


def ordinary_block(block: Any, own: Mapping[str, Any], x: jax.Array) -> jax.Array:
    """A block without sigma and delta."""
    if isinstance(block, sigma_delta.Flatten):
        return x.reshape(x.shape[0], -1, x.shape[-1])
    params = own.get("params", {})
    if "synapse" not in params:  # the input block
        return x
    x = block.new_synapse(parent=None).apply({"params": params["synapse"]}, x)
    if "neuron" not in params:  # the output block
        return x
    bias = params["neuron"]["bias"]
    return jax.nn.relu(x + bias.reshape(1, -1, *(1,) * (x.ndim - 2)))


def sigma_delta_block(block: Any, own: Mapping[str, Any], x: jax.Array) -> jax.Array:
    """A block as it is."""
    return block.apply(own, x)


def inputs(network: Sequential, run: Callable[..., jax.Array], variables: Any, x: Any) -> Iterator:
    """Each block with what goes into it, and at last the output."""
    for number, block in enumerate(network.blocks):
        yield block, x
        name = f"blocks_{number}"
        x = run(block, {c: tree[name] for c, tree in variables.items() if name in tree}, x)
    yield None, x


def operations(network: Sequential, variables: Any, x: jax.Array, *, ordinary: bool) -> Any:
    """What is not zero, times the synapses that it reaches; and all products: per frame."""
    run = ordinary_block if ordinary else sigma_delta_block
    busy = every = jnp.float32(0)
    for block, value in inputs(network, run, variables, x):
        if hasattr(block, "new_synapse"):
            ways = synapse.fan_out(block.new_synapse(parent=None), value.shape[1:-1])
            busy += jnp.sum(jnp.mean(value != 0, axis=(0, -1)) * ways)
            every += jnp.sum(jnp.ones(value.shape[1:-1]) * ways)
    return busy, every
