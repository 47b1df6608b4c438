"""Where the axes are: outside [N, C, ..., T], inside [T, N, ..., C].

Inside, time leads so that a scan reads contiguous rows, and the channel is last so that a dense
synapse is one matrix product and a convolution a 2-d one over T*N images. Two neighbouring layers'
moves cancel in the compiler.
"""

import jax
import jax.numpy as jnp

from jslayer.ops import check


def time_first(x: jax.Array) -> jax.Array:
    """``[N, C, ..., T] -> [T, N, ..., C]``."""
    return jnp.moveaxis(x, (-1, 1), (0, -1))


def time_last(x: jax.Array) -> jax.Array:
    """``[T, N, ..., C] -> [N, C, ..., T]``."""
    return jnp.moveaxis(x, (0, -1), (-1, 1))


def channel_last(x: jax.Array) -> jax.Array:
    """``[C, ...] -> [..., C]``: one parameter per neuron, brought to the inner order."""
    return jnp.moveaxis(x, 0, -1)


def step_last(x: jax.Array) -> jax.Array:
    """``[N, C, ...] -> [N, ..., C]``: one step, brought to the inner order."""
    return jnp.moveaxis(x, 1, -1)


def step_first(x: jax.Array) -> jax.Array:
    """``[N, ..., C] -> [N, C, ...]``: one step, brought to the outer order."""
    return jnp.moveaxis(x, -1, 1)


def check_input(x: jax.Array, name: str = "x", *, events: bool = False) -> None:
    """Raises unless ``x`` is a floating-point ``[N, C, ..., T]`` with time steps and no NaN.

    Where ``events`` are taken, booleans are welcome too: an event or none.
    """
    check.rank(name, x, at_least=3, at_most=5, layout="N, C, ..., T")
    check.time_steps(name, x, axis=-1)
    if events and jnp.result_type(x) == jnp.bool_:
        return
    check.floating(name, x)
    check.no_nan(name, x)
