"""The functional training loop: one state, one jitted step."""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from flax.training import train_state

from jslayer.utils.projection import project

Loss = Callable[[jax.Array, jax.Array], jax.Array]
Count = Callable[[jax.Array, jax.Array], jax.Array]
Step = Callable[..., tuple[Any, dict[str, jax.Array]]]


class TrainState(train_state.TrainState):
    """Everything a training run carries from step to step.

    Attributes:
      others: The network's collections besides ``params``, e.g. ``constants`` and ``batch_stats``.
      key: Random key; the key of a step is this one folded with the step's number.
    """

    others: Mapping[str, Any]
    key: jax.Array

    @property
    def variables(self) -> dict[str, Any]:
        """All collections, as ``network.apply`` takes them."""
        return {"params": self.params, **self.others}


def create_state(
    network: nn.Module,
    sample: jax.Array,
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


def train_step(loss: Loss, *, count_correct: Count | None = None) -> Step:
    """Makes the training step: forward, loss, gradient, update; jitted, the state donated.

    Decays and delays are clamped to their range after the update, see `jslayer.utils.project`.

    Args:
      loss: ``(output, target) -> scalar``.
      count_correct: ``(output, target) -> number of right answers``, or ``None``.

    Returns:
      ``step(state, x, target) -> (state, metrics)`` with metrics ``loss`` (as ``loss`` gives it)
      and, if counted, ``correct``. The state given is used up.

    Example:
      ``step = train_step(loss.SpikeRate(0.2, 0.03)); state, metrics = step(state, x, label)``
    """

    def step(state, x, target):
        dropout_key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)

        def objective(params):
            y, updated = state.apply_fn(
                {"params": params, **state.others},
                x,
                train=True,
                rngs={"dropout": dropout_key},
                mutable=[name for name in state.others if name != "constants"],
            )
            return loss(y, target), (y, updated)

        (value, (y, updated)), gradients = jax.value_and_grad(objective, has_aux=True)(state.params)
        state = state.apply_gradients(grads=gradients, others={**state.others, **updated})
        state = state.replace(params=project(state.params))
        return state, _metrics(value, y, target, count_correct)

    return jax.jit(step, donate_argnums=0)


def eval_step(loss: Loss, *, count_correct: Count | None = None) -> Step:
    """Makes the evaluation step, jitted: running statistics, no dropout, nothing learned.

    Args:
      loss: ``(output, target) -> scalar``.
      count_correct: ``(output, target) -> number of right answers``, or ``None``.

    Returns:
      ``step(state, x, target) -> (output, metrics)``, metrics as in `train_step`.
    """

    def step(state, x, target):
        y = state.apply_fn(state.variables, x)
        return y, _metrics(loss(y, target), y, target, count_correct)

    return jax.jit(step)


def _metrics(value, y, target, count_correct):
    metrics = {"loss": value}
    if count_correct is not None:
        metrics["correct"] = jnp.asarray(count_correct(y, target), jnp.float32)
    return metrics
