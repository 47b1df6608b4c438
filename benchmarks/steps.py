"""Training steps and gradients of networks, as calls to be timed."""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

Loss = Callable[[jax.Array, jax.Array], jax.Array]


def to_rates(y: jax.Array, target: jax.Array) -> jax.Array:
    """Squared distance of the mean over time to target rates."""
    return jnp.sum((jnp.mean(y, axis=-1) - target) ** 2)


def new_variables(network: nn.Module, x: jax.Array) -> dict[str, Any]:
    """The network's variables at first."""
    key = jax.random.key(0)
    return jax.jit(functools.partial(network.init, train=True))(
        {"params": key, "dropout": key}, x[:1]
    )


def traced(network: nn.Module, loss: Loss) -> Callable[..., Any]:
    """``(params, rest, key, x, target) -> ((loss, changed), gradients)``, not jitted yet.

    What training changes besides the parameters are the statistics of norms.
    """

    def loss_of(params, rest, key, x, target):
        variables = {**rest, "params": params}
        rngs = {"dropout": key}
        y, changed = network.apply(variables, x, train=True, rngs=rngs, mutable=["batch_stats"])
        return loss(y, target), changed

    return jax.value_and_grad(loss_of, has_aux=True)


def gradients(
    network: nn.Module, x: jax.Array, target: jax.Array, loss: Loss = to_rates
) -> Callable[[], Any]:
    """A call that runs forward and backward to all parameters."""
    rest = new_variables(network, x)
    params = rest.pop("params")
    return functools.partial(
        jax.jit(traced(network, loss)), params, rest, jax.random.key(0), x, target
    )


def training(
    network: nn.Module, x: jax.Array, target: jax.Array, loss: Loss = to_rates
) -> Callable[[], Any]:
    """A call that trains for one step; it keeps the state, whose buffers are donated."""
    optimizer = optax.adam(1e-3)
    rest = new_variables(network, x)
    params = rest.pop("params")
    both = traced(network, loss)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, x, target):
        params, moments, rest, key = state
        key, now = jax.random.split(key)
        (value, changed), found = both(params, rest, now, x, target)
        updates, moments = optimizer.update(found, moments, params)
        return (optax.apply_updates(params, updates), moments, {**rest, **changed}, key), value

    state = (params, optimizer.init(params), rest, jax.random.key(0))

    def call():
        nonlocal state
        state, value = step(state, x, target)
        return state, value

    return call
