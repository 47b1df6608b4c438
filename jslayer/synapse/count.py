"""Connections and synaptic operations of a layer, counted exactly."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.ops import check, event_batch, layout
from jslayer.synapse import base
from jslayer.synapse.weight import masked


def fan_out(synapse: base.Synapse, input_shape: Sequence[int]) -> np.ndarray:
    """Outgoing connections of every input: borders, stride, groups and mask are minded.

    Args:
      synapse: Any synapse, bound or not.
      input_shape: One step of one sample, ``(C, ...)``, as outside.

    Returns:
      ``[C, ...]`` int64. A connection of a complex synapse counts twice, for its two weights.

    Raises:
      ValueError: the synapse does not take input of that shape.
    """
    for size in input_shape:
        base.check_sizes(input_shape=size)
    with jax.ensure_compile_time_eval():
        x = jnp.zeros((1, 1, *input_shape[1:], input_shape[0]), jnp.float32)
        weight = masked(jnp.ones(synapse.shape_for(x), jnp.float32), synapse.mask)
        # the gradient of the sum of all outputs is, for weights of one, the number of ways out
        y, pullback = jax.vjp(lambda x: synapse.weighted_sum(x, weight), x)
        ways = np.asarray(pullback(jnp.ones_like(y))[0])[0, 0]
    return synapse.parts * np.moveaxis(ways, -1, 0).astype(np.int64)


def connections(synapse: base.Synapse, input_shape: Sequence[int]) -> int:
    """Number of connections of a layer, masked ones left out.

    Args:
      synapse: Any synapse, bound or not.
      input_shape: One step of one sample, ``(C, ...)``, as outside.

    Returns:
      A whole number.

    Raises:
      ValueError: the synapse does not take input of that shape.

    Example:
      >>> from jslayer.synapse import Conv
      >>> connections(Conv(1, 1, kernel_size=3, padding=1), (1, 2, 2))
      16
    """
    return int(fan_out(synapse, input_shape).sum())


def operations(synapse: base.Synapse, x: jax.Array) -> int:
    """Number of synaptic operations: for every event, its outgoing connections.

    Args:
      synapse: Any synapse, bound or not.
      x: ``[N, C, ..., T]`` spikes, floating-point, booleans or integers; what is not 0 is an event.

    Returns:
      A whole number, exact however many there are.

    Raises:
      TypeError: ``x`` is traced; count outside of ``jit``, or weigh rates with `fan_out` inside.
      ValueError: ``x`` does not fit the synapse.

    Example:
      >>> import jax.numpy as jnp
      >>> from jslayer.synapse import Dense
      >>> operations(Dense(3, 10), jnp.zeros((1, 3, 4)).at[0, 1, 2].set(1.0))
      10
    """
    x = event_batch.dense(x)
    base.check_real("x", x)
    layout.check_input(x, events=True)
    if not check.is_concrete(x):
        raise TypeError(
            "`x` is traced, expected an array that holds numbers; count outside of `jit`, or weigh "
            "rates with `fan_out` inside."
        )
    events = np.count_nonzero(np.asarray(x), axis=(0, -1))
    return int(np.sum(events * fan_out(synapse, x.shape[1:-1])))
