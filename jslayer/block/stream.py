"""One time step at a time, for closed loops: a network as a pair of pure functions."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np

from jslayer.block.persistent import at_rest, only_persistent, persistent
from jslayer.persistence import COLLECTION

State = Mapping[str, Any]
Variables = Mapping[str, Any]
Step = jax.Array | np.ndarray
"""Input of one time step, ``[N, C, ...]``."""


class Stream(NamedTuple):
    """A network that runs step by step.

    Attributes:
      start: ``(variables, x_t) -> state`` at rest, for a step shaped like ``x_t`` ``[N, C, ...]``.
      step: ``(variables, state, x_t) -> (y_t, state)``; jitted, the state given is used up. With
        blocks that count, ``y_t`` is ``(y_t, counts)``.
    """

    start: Callable[[Variables, Step], State]
    step: Callable[[Variables, State, Step], tuple[Any, State]]


def stream(network: nn.Module) -> Stream:
    """Turns a network into a step function with its state handed on, for closed-loop control.

    Step by step gives the same, bit for bit, as one call over all steps: delays, feedback and
    neurons keep their state. ``step`` is pure and jitted; inside a `jax.lax.scan` it is traced with
    the rest. The buffers of the state are reused: do not use a state twice.

    Args:
      network: Any network of blocks, one of your own modules too; its blocks are made persistent.

    Returns:
      ``start`` and ``step``.

    Raises:
      ValueError: (from ``start`` and ``step``) a block would forget between two steps.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jslayer.block import Sequential, cuba
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> network = Sequential([cuba.Dense(neuron, 3, 2, weight_scale=4)])
      >>> x = jnp.ones((1, 3, 6))
      >>> variables = network.init(jax.random.key(0), x)
      >>> start, step = stream(network)
      >>> state = start(variables, x[..., 0])
      >>> for t in range(6):
      ...     y, state = step(variables, state, x[..., t])
      >>> bool((y == network.apply(variables, x)[..., -1]).all())
      True
    """
    module = persistent(network)

    @jax.jit
    def rest(x):
        with only_persistent("a stream"):
            return at_rest(module, x[..., None])

    def start(variables: Variables, x: Step) -> State:
        del variables
        return rest(x)

    def step(variables: Variables, state: State, x: Step) -> tuple[Any, State]:
        with only_persistent("a stream"):
            held = {name: tree for name, tree in variables.items() if name != COLLECTION}
            y, updated = module.apply(
                {**held, COLLECTION: state}, x[..., None], mutable=[COLLECTION]
            )
        # counts of blocks, which come along, have no time
        y = jax.tree.map(lambda output: output[..., 0] if output.ndim > 1 else output, y)
        return y, updated.get(COLLECTION, {})

    return Stream(start, jax.jit(step, donate_argnums=1))
