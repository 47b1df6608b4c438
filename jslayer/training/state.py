"""What a training run carries from step to step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from flax.training import train_state


class TrainState(train_state.TrainState):
    """Everything a training run carries from step to step.

    Attributes:
      others: The network's collections besides ``params``, e.g. ``constants`` and ``batch_stats``.
      key: Random key; the key of a step is this one folded with the step's number.
    """

    others: Mapping[str, Any]
    key: jax.Array

    if TYPE_CHECKING:
        params: Any  # a tree of arrays; Flax says a frozen dictionary, of dictionaries or not

    @property
    def variables(self) -> dict[str, Any]:
        """All collections, as ``network.apply`` takes them."""
        return {"params": self.params, **self.others}


def create_state(
    network: nn.Module,
    sample: jax.typing.ArrayLike,
    optimizer: optax.GradientTransformation,
    *,
    seed: int = 0,
) -> TrainState:
    """Initialises a network and its optimiser.

    Args:
      network: The network.
      sample: A batch like those to come, ``[N, C, ..., T]``.
      optimizer: An Optax optimiser.
      seed: Fixes the initial parameters and the dropout.

    Returns:
      The state before the first step.

    Example:
      >>> import optax, jax.numpy as jnp
      >>> from jslayer import block
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> network = block.Sequential([block.cuba.Dense(neuron, 3, 2)])
      >>> state = create_state(network, jnp.ones((1, 3, 8)), optax.adam(1e-3))
      >>> int(state.step)
      0
    """
    parameter_key, run_key = jax.random.split(jax.random.key(seed))
    variables = jax.jit(network.init)(parameter_key, sample)
    others = {name: value for name, value in variables.items() if name != "params"}
    state = TrainState.create(
        apply_fn=network.apply,
        params=variables["params"],
        tx=optimizer,
        others=others,
        key=jax.random.key_data(run_key),
    )
    # An array from the start, so that a state read from a file looks like any other to jit.
    return state.replace(step=jnp.zeros((), jnp.int32))
