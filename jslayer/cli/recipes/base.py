"""What a training problem is made of."""

import dataclasses
from collections.abc import Callable, Hashable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jslayer import classifier, datasets
from jslayer.block import Sequential
from jslayer.neuron import starting_values, starting_weight_scale


@dataclasses.dataclass(frozen=True)
class Settings:
    """What users turn.

    Attributes:
      epochs: Epochs in all.
      learning_rate: Of the optimiser.
      batch_size: Samples per step.
      neuron: Family of neurons.
    """

    epochs: int
    learning_rate: float
    batch_size: int
    neuron: str = "cuba"


@dataclasses.dataclass(frozen=True)
class About:
    """What a list of recipes says.

    Attributes:
      task: What is learned.
      needs: Files and extras.
      expect: What came out, in what time on two CPU cores.
      settings: The recipe's values.
      own_neurons: Its neurons are its own, and no other family takes their place.
    """

    task: str
    needs: str
    expect: str
    settings: Settings
    own_neurons: bool = False


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One training problem.

    Attributes:
      training: Data set to learn from.
      testing: Data set to judge by, or ``None`` where there is only one.
      network: The network.
      loss: ``(output, target) -> scalar``, summed over the batch.
      count_correct: ``(output, target) -> number``, or ``None`` for a pure regression.
      target: Which entry of a data set's tuples the loss and the count take.
      optimizer: Optax optimiser.
      epochs: Default number of epochs.
      batch_size: Samples per step.
      log_every: Epochs between two printed lines, each with a test and a checkpoint.
      desired: Which entry of a data set's tuples is the output wanted, to be drawn beside the
        network's; ``None`` where ``target`` is the number of a class.
      is_drive: Samples are frames and the angle of a steering wheel, not events.
      is_voltage: The output is voltages, not spikes.
      changed: The training data of an epoch, by its number from 0, where they change from epoch to
        epoch; ``None``: ``training``, always.
    """

    training: datasets.Dataset
    testing: datasets.Dataset | None
    network: Sequential
    loss: Callable[..., jax.Array]
    count_correct: Callable[..., jax.Array] | None
    target: Callable[[tuple[np.ndarray, ...]], Any]
    optimizer: optax.GradientTransformation
    epochs: int
    batch_size: int
    log_every: int = 1
    desired: Callable[[tuple[np.ndarray, ...]], np.ndarray] | None = None
    is_drive: bool = False
    is_voltage: bool = False
    changed: Callable[[int], datasets.Dataset] | None = None

    def data(self, epoch: int) -> datasets.Dataset:
        """What to learn from in an epoch, numbered from 0."""
        return self.training if self.changed is None else self.changed(epoch)


def right_class(y: jax.Array, label: jax.Array) -> jax.Array:
    """Number of samples whose busiest output is that of their class."""
    return jnp.sum(classifier.Rate.predict(y) == label)


def cross_entropy(voltage: jax.Array, label: jax.Array) -> jax.Array:
    """That of the mean voltages ``[N, class, T]``, summed over the batch."""
    logits = voltage.mean(-1)
    return optax.softmax_cross_entropy_with_integer_labels(logits, label).sum()


def neurons(settings: Settings, own: dict[str, Any]) -> tuple[str, dict[str, Any], float]:
    """The neurons of a recipe, or those that a user asked for with numbers that work for them.

    Args:
      settings: The user's.
      own: Parameters of the recipe, for its own family, cuba.

    Returns:
      Family of blocks, ``neuron_params`` and ``weight_scale``.
    """
    if settings.neuron == "cuba":
        return "cuba", own, 1.0
    values = starting_values(settings.neuron)
    if "dropout" in own:
        values["dropout"] = own["dropout"]
    family = {"lif": "cuba"}.get(settings.neuron, settings.neuron)
    return family, values, starting_weight_scale(settings.neuron)


def by_module(
    rest: optax.GradientTransformation, **own: optax.GradientTransformation
) -> optax.GradientTransformation:
    """An optimiser in which parts of a network have one of their own.

    Decays move by hundredths where weights move by tens, so that they often want another rate.

    Args:
      rest: Optimiser of all parameters that no other has.
      **own: Optimisers by the module whose parameters they move: ``neuron`` (decays, thresholds),
        ``delay_line`` (delays) or ``synapse`` (weights). ``optax.set_to_zero()`` holds them.

    Example:
      >>> optimizer = by_module(optax.adam(1e-3), neuron=optax.adam(1e-2))
    """

    def part(path: tuple[Any, ...], _: Any) -> str:
        names = (getattr(entry, "key", None) for entry in path)
        return next((str(name) for name in names if name in own), "rest")

    labels = lambda params: jax.tree_util.tree_map_with_path(part, params)
    optimizers: dict[Hashable, optax.GradientTransformation] = {"rest": rest}
    optimizers.update(own)
    return optax.partition(optimizers, labels)
