"""Training, validation and testing with one object, for loops that fit on a screen."""

from collections.abc import Callable, Iterable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jslayer.io.first import writes
from jslayer.loss.labels import Reduction
from jslayer.loss.sparsity import SparsityEnforcer
from jslayer.training.accumulate import reduction_of
from jslayer.training.finite import METRIC, require_finite
from jslayer.training.metrics import Hook, flatten
from jslayer.training.sharding import spread, spread_batch
from jslayer.training.state import TrainState, create_state
from jslayer.training.stats import LearningStats
from jslayer.training.step import Loss, eval_step, train_step


class Assistant:
    """Trains, validates and tests a network batch by batch and keeps its statistics.

    A thin face of `train_step` and `eval_step`: the network and its optimiser are in ``state``, and
    what changes from batch to batch is there and in ``stats``. Schedules are the optimiser's, e.g.
    ``optax.adam(optax.cosine_decay_schedule(1e-3, 1000))``.

    It stops where numbers end: a step whose loss, gradients or parameters are not finite leaves
    ``state`` as it was, and raises `jslayer.training.NotFiniteError`, which names the first layer.
    So that the device never waits, the step raises at the next call, `end_epoch` at the latest;
    with hooks, which wait for its numbers, at once.

    Of several processes, see `jslayer.training.distributed`, all do the same: the state is copied
    to all devices, arrays that are not laid out yet are this process's part of a batch, statistics
    are those of all, and hooks are called in the first process alone.

    Args:
      network_or_state: A network, or a `TrainState` that is trained on. Its memory is taken over.
      loss: ``(output, target) -> scalar``.
      optimizer: An Optax optimiser; with a network only.
      stats: Statistics to go on with.
      classifier: ``output -> class``, ``[N]``, or ``[N, T]``, whose accuracy is then a mean over
        time; ``None``: nothing is counted.
      count_log: As ``rates``, which counts whatever the network returns.
      lam: As ``sparsity=(0.01, lam)``, the weight of lava-dl's layer-wise loss.
      sample: A batch like those to come, ``[N, C, ..., T]``; with a network only. ``None``: the
        first batch that comes.
      seed: Fixes the initial parameters and the dropout; with a network only.
      clip: Largest norm of all gradients together, or ``None``; with a network only.
      metric: ``(output, target) -> scalar``, a mean over the batch, kept where accuracy is, in
        place of ``classifier``; with ``stats=LearningStats(accuracy_str="its name")`` it may be any
        number, and the largest is the best.
      reduction: Whether the loss is a sum or a mean over samples; ``None``: as it says itself.
      rates: See `train_step`, as the next three.
      sparsity: ``(max_rate, lam)``.
      accumulate: Parts of a batch.
      gradient_norms: Measure gradients.
      hooks: Each is called with the number of steps so far and numbers by name, such as
        ``"train/loss"``, after every training step and at the end of an epoch; see
        `jslayer.training.CSVWriter`.

    Attributes:
      state: Network and optimiser.
      stats: A `LearningStats`.

    Raises:
      ValueError: arguments do not go together.

    Example:
      >>> import jax.numpy as jnp, optax
      >>> from jslayer import block, classifier, loss
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> network = block.Sequential([block.cuba.Dense(neuron, 3, 2, weight_scale=4)])
      >>> x, label = jnp.ones((4, 3, 16)), jnp.array([0, 1, 0, 1])
      >>> error = loss.SpikeRate(true_rate=0.5, false_rate=0.1)
      >>> assistant = Assistant(
      ...     network, error, optax.sgd(0.1), sample=x, classifier=classifier.Rate.predict
      ... )
      >>> metrics = assistant.train(x, label)
      >>> output, metrics = assistant.test(x, label)
      >>> assistant.end_epoch()
      >>> assistant.stats.testing.accuracy_log
      [0.5]
    """

    def __init__(
        self,
        network_or_state: nn.Module | TrainState,
        loss: Loss,
        optimizer: optax.GradientTransformation | None = None,
        stats: LearningStats | None = None,
        classifier: Callable[[jax.Array], jax.Array] | None = None,
        count_log: bool = False,
        lam: float | None = None,
        *,
        sample: Any = None,
        seed: int = 0,
        clip: float | None = None,
        metric: Callable[[jax.Array, Any], jax.Array] | None = None,
        reduction: Reduction | None = None,
        rates: bool = False,
        sparsity: tuple[float, float] | None = None,
        accumulate: int = 1,
        gradient_norms: bool = False,
        hooks: Iterable[Hook] = (),
    ):
        self._new = lambda sample: spread(_state(network_or_state, optimizer, sample, seed, clip))
        self._state = None if _waits(network_or_state, optimizer, sample) else self._new(sample)
        self.stats = _stats(metric) if stats is None else stats
        if classifier is not None and metric is not None:
            raise ValueError(
                "`metric` came with a `classifier`, expected one of them; keep the other in a "
                "second LearningStats."
            )
        if lam is not None and sparsity is not None:
            raise ValueError(
                "`lam` came with `sparsity`, expected one of them; give sparsity=(max_rate, lam)."
            )
        sparsity = sparsity if lam is None else (SparsityEnforcer.max_rate, lam)
        rates = rates or count_log
        self._mean = reduction_of(loss, reduction) == "mean"
        count = None if classifier is None else _counter(classifier)
        count = count if metric is None else _summed(metric)
        self._train = train_step(
            loss,
            count_correct=count,
            rates=rates,
            sparsity=sparsity,
            accumulate=accumulate,
            reduction=reduction,
            gradient_norms=gradient_norms,
            keep_finite=True,
        )
        self._last: dict[str, Any] = {}
        self._evaluate = eval_step(loss, count_correct=count, rates=rates)
        self._hooks = tuple(hooks)

    @property
    def state(self) -> TrainState:
        """Network and optimiser.

        Raises:
          ValueError: there was no ``sample``, and no batch came yet.
        """
        if self._state is None:
            raise ValueError(
                "`sample` is None, expected a batch before there is a state; pass one, or train on "
                "a batch first."
            )
        return self._state

    @state.setter
    def state(self, value: TrainState) -> None:
        self._state = value

    def reduce_lr(self, factor: float = 10 / 3) -> None:
        """Lava-dl's; here a schedule is the optimiser's.

        Raises:
          NotImplementedError: always.
        """
        raise NotImplementedError(
            "`reduce_lr` is lava-dl's name; pass a schedule to the optimiser, "
            "optax.adam(optax.exponential_decay(1e-3, steps, 0.3))."
        )

    def _begin(self, x: jax.typing.ArrayLike) -> None:
        if self._state is None:
            self._state = self._new(x)

    def train(self, x: jax.typing.ArrayLike, target: Any) -> dict[str, Any]:
        """Learns from one batch; returns its metrics, see `train_step`.

        Raises:
          NotFiniteError: the batch before, or with hooks this one, met NaN or infinity.
          ValueError: a label is out of range.
        """
        self._begin(x)
        x, target = spread_batch((x, target))
        self.state, metrics = self._train(self.state, x, target)
        before, self._last = self._last, metrics
        require_finite(self.state, before)
        self._count(self.stats.training, metrics, len(x))
        if self._hooks:
            told = {name: value for name, value in metrics.items() if name != METRIC}
            self._tell(flatten({"train": told}))
            self._require_finite()
        return metrics

    def valid(self, x: jax.typing.ArrayLike, target: Any) -> tuple[jax.Array, dict[str, Any]]:
        """Measures one batch of the validation split; returns output and metrics."""
        self._begin(x)
        self._require_finite()
        x, target = spread_batch((x, target))
        y, metrics = self._evaluate(self.state, x, target)
        self._count(self.stats.validation, metrics, len(x))
        return y, metrics

    def test(self, x: jax.typing.ArrayLike, target: Any) -> tuple[jax.Array, dict[str, Any]]:
        """Measures one batch of the test split; returns output and metrics."""
        self._begin(x)
        self._require_finite()
        x, target = spread_batch((x, target))
        y, metrics = self._evaluate(self.state, x, target)
        self._count(self.stats.testing, metrics, len(x))
        return y, metrics

    def end_epoch(self) -> None:
        """Logs the epoch and tells the hooks its means, such as ``"epoch/testing/loss"``.

        After ``stats.update()``, which logged it already, it logs nothing.

        Raises:
          NotFiniteError: the last batch met NaN or infinity.
        """
        self._require_finite()
        if self._hooks:
            stats = self.stats
            splits = {"training": stats.training, "validation": stats.validation}
            splits["testing"] = stats.testing
            means = {n: {"loss": s.loss, "accuracy": s.accuracy} for n, s in splits.items()}
            found = flatten({"epoch": means})
            self._tell({name: value for name, value in found.items() if value is not None})
        measured = (self.stats.training, self.stats.validation, self.stats.testing)
        if not self.stats.epochs or any(split.num_samples for split in measured):
            self.stats.end_epoch()

    def _require_finite(self):
        """Raises for the step that nobody has looked at yet, once."""
        last, self._last = self._last, {}
        if last:
            require_finite(self.state, last)

    def _count(self, stat, metrics, samples):
        loss = metrics["loss"] * samples if self._mean else metrics["loss"]
        stat.update(loss, metrics.get("correct"), samples)

    def _tell(self, values):
        if not writes():
            return
        step = int(self.state.step)
        for hook in self._hooks:
            hook(step, values)


def _state(network_or_state, optimizer, sample, seed, clip):
    if isinstance(network_or_state, TrainState):
        given = {"optimizer": optimizer, "sample": sample, "clip": clip}
        if any(value is not None for value in given.values()):
            names = ", ".join(name for name, value in given.items() if value is not None)
            raise ValueError(
                f"`{names}` came with a TrainState, expected a network with it; a state has its "
                "optimiser already, so chain what it should do besides when it is made."
            )
        return network_or_state
    if optimizer is None:
        raise ValueError(
            "`optimizer` is None, expected one with a network; pass an Optax optimiser, or a "
            "TrainState."
        )
    if clip is not None:
        optimizer = optax.chain(optax.clip_by_global_norm(clip), optimizer)
    return create_state(network_or_state, sample, optimizer, seed=seed)


def _waits(network_or_state, optimizer, sample):
    """True for a network whose state is made from the first batch."""
    return not isinstance(network_or_state, TrainState) and sample is None and optimizer is not None


def _stats(metric):
    name = "accuracy" if metric is None else getattr(metric, "__name__", "metric")
    return LearningStats(accuracy_str="metric" if name == "<lambda>" else name)


def _summed(metric):
    """A mean over the batch as a sum over its samples."""
    return lambda y, target: metric(y, target) * y.shape[0]


def _counter(classifier):
    def count(y, label):
        found = classifier(y)
        label = jnp.asarray(label)
        label = label.reshape(label.shape + (1,) * (found.ndim - label.ndim))
        right = (found == label).reshape(found.shape[0], -1)
        return jnp.sum(jnp.mean(right, axis=1, dtype=jnp.float32))

    return count
