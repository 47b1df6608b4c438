"""Loss and accuracy of one split of the data: the running epoch, the log, the best epoch."""

import collections
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from jslayer.io.text import shown
from jslayer.training.scalars import Scalar as Scalar
from jslayer.training.scalars import check_scalar, to_host

MOST_SAMPLES = 2**53
"""Limit of counts, up to which floats tell whole numbers apart."""

MOST_UNREAD = 256
"""Batches on the device that wait to be read; each holds a few kilobytes of memory."""


class LearningStat:
    """Loss and accuracy of one split, summed over the running epoch and logged per epoch.

    ``update`` keeps device arrays as they are; they are read when somebody looks, or a hundred
    batches later, so that the training loop never waits for the device and memory stays flat.

    Args:
      loss_str: What the loss is called in lines and files.
      loss_unit: Its unit.
      accuracy_str: What is counted; of any name but ``"accuracy"`` it is another measure, whose
        sum over the samples may be any number. The largest is the best.
      accuracy_unit: Its unit.

    Attributes:
      loss_log: Mean loss of each epoch that ended; ``None`` where the split had no samples.
      accuracy_log: Accuracy of each epoch that ended; ``None`` where nothing was counted.

    Example:
      >>> stat = LearningStat()
      >>> stat.update(6.0, 3, 4)
      >>> stat.loss, stat.accuracy
      (1.5, 0.75)
    """

    def __init__(
        self,
        loss_str: str = "loss",
        loss_unit: str = "",
        accuracy_str: str = "accuracy",
        accuracy_unit: str = "",
    ) -> None:
        self.loss_str, self.loss_unit = loss_str, loss_unit
        self.accuracy_str, self.accuracy_unit = accuracy_str, accuracy_unit
        self.loss_log: list[float | None] = []
        self.accuracy_log: list[float | None] = []
        self._start_epoch()

    @property
    def _counted(self) -> bool:
        """True for a count of right answers, False for another measure."""
        return self.accuracy_str == "accuracy"

    @property
    def valid_loss_log(self) -> bool:
        """Whether the split had samples in any epoch."""
        return any(loss is not None for loss in self.loss_log)

    @property
    def valid_accuracy_log(self) -> bool:
        """Whether anything was counted in any epoch."""
        return any(accuracy is not None for accuracy in self.accuracy_log)

    def reset(self) -> None:
        """Starts the running epoch anew, without logging it."""
        self._start_epoch()

    def _start_epoch(self) -> None:
        self._unread: collections.deque[tuple[Scalar, Scalar | None, Scalar]]
        self._unread = collections.deque()
        self._loss_sum = 0.0
        self._correct: float | None = None
        self._num_samples = 0

    def update(self, loss_sum: Scalar, correct: Scalar | None, num_samples: Scalar) -> None:
        """Adds one batch.

        What device arrays hold is checked when they are read.

        Args:
          loss_sum: ``[]``. Loss summed over the samples: a mean times ``num_samples``.
          correct: ``[]``. Samples classified correctly; ``None`` where there is no such thing.
          num_samples: ``[]``. Samples in the batch.

        Raises:
          TypeError: An argument is no number, or is traced by ``jit``.
          ValueError: An argument has more than one element, ``num_samples`` is negative or no
            whole number, ``correct`` is not within ``[0, num_samples]``, or is ``None`` for
            some batches of an epoch only.
        """
        batch = (loss_sum, correct, num_samples)
        for name, value in zip(("loss_sum", "correct", "num_samples"), batch, strict=True):
            if value is not None or name != "correct":
                check_scalar(name, value)
        if not any(isinstance(value, jax.Array) for value in batch):
            batch = to_host(*batch, counted=self._counted)
        self._unread.append(batch)
        if len(self._unread) > MOST_UNREAD:
            self._read(keep=MOST_UNREAD // 2)  # not the newest, which the device may not have yet

    def _read(self, *, keep: int = 0) -> None:
        while len(self._unread) > keep:
            loss_sum, correct, num_samples = to_host(*self._unread[0], counted=self._counted)
            if self._num_samples and (correct is None) != (self._correct is None):
                raise ValueError(
                    "`correct` was None for some batches of this epoch and a count for others, "
                    "expected one of the two throughout; pass the count with every batch."
                )
            self._loss_sum += loss_sum
            self._num_samples += num_samples
            if correct is not None:
                self._correct = (self._correct or 0.0) + correct
            self._unread.popleft()

    @property
    def loss_sum(self) -> float:
        """Loss summed over the samples of the running epoch; may be assigned."""
        self._read()
        return self._loss_sum

    @loss_sum.setter
    def loss_sum(self, value: Scalar) -> None:
        self._read()
        self._loss_sum = float(value)

    @property
    def correct_samples(self) -> float:
        """Samples of the running epoch classified correctly; may be assigned."""
        self._read()
        correct = self._correct or 0.0
        # As an int it may be added to an integer array under strict dtype promotion.
        return int(correct) if correct.is_integer() else correct

    @correct_samples.setter
    def correct_samples(self, value: Scalar) -> None:
        self._read()
        self._correct = float(value)

    @property
    def num_samples(self) -> int:
        """Samples of the running epoch; may be assigned."""
        self._read()
        return self._num_samples

    @num_samples.setter
    def num_samples(self, value: Scalar) -> None:
        self._read()
        self._num_samples = to_host(0.0, None, value)[2]

    @property
    def loss(self) -> float | None:
        """Mean loss of the running epoch; ``None`` before its first sample."""
        self._read()
        return self._loss_sum / self._num_samples if self._num_samples else None

    @property
    def accuracy(self) -> float | None:
        """Accuracy of the running epoch; ``None`` before its first sample, or uncounted."""
        self._read()
        if self._correct is None or not self._num_samples:
            return None
        return self._correct / self._num_samples

    @property
    def best_loss_epoch(self) -> int | None:
        """First epoch, counted from 0, with the lowest finite loss."""
        return _first_lowest(self.loss_log)

    @property
    def best_accuracy_epoch(self) -> int | None:
        """First epoch, counted from 0, with the highest accuracy."""
        return _first_lowest([None if a is None else -a for a in self.accuracy_log])

    @property
    def min_loss(self) -> float | None:
        """Lowest finite loss of the epochs that ended."""
        epoch = self.best_loss_epoch
        return None if epoch is None else self.loss_log[epoch]

    @property
    def max_accuracy(self) -> float | None:
        """Highest accuracy of the epochs that ended."""
        epoch = self.best_accuracy_epoch
        return None if epoch is None else self.accuracy_log[epoch]

    @property
    def best_loss(self) -> bool:
        """Whether the epoch that ended last has the lowest loss so far."""
        return self.best_loss_epoch is not None and self.best_loss_epoch + 1 == len(self.loss_log)

    @property
    def best_accuracy(self) -> bool:
        """Whether the epoch that ended last has the highest accuracy so far."""
        epoch = self.best_accuracy_epoch
        return epoch is not None and epoch + 1 == len(self.accuracy_log)

    @property
    def is_best(self) -> bool:
        """``best_accuracy`` where accuracy was ever counted, otherwise ``best_loss``."""
        return self.best_loss if self.max_accuracy is None else self.best_accuracy

    def end_epoch(self) -> None:
        """Appends the epoch to the logs and starts the next."""
        loss, accuracy = self.loss, self.accuracy
        self.loss_log.append(loss)
        self.accuracy_log.append(accuracy)
        self._start_epoch()

    def __str__(self) -> str:
        """Shows the running epoch, or, between two, the last one; empty without samples."""
        loss, accuracy = self.loss, self.accuracy
        if loss is None and self.loss_log:
            loss, accuracy = self.loss_log[-1], self.accuracy_log[-1]
        if loss is None:
            return ""
        unit = lambda text: f" {text}" if text else ""
        line = f"{self.loss_str} = {loss:11.5f}"
        if self.min_loss is not None:
            line += f" (min = {self.min_loss:11.5f})"
        line += unit(self.loss_unit)
        if accuracy is not None:
            line += f"    {self.accuracy_str} = {accuracy:7.5f}"
            if self.max_accuracy is not None:
                line += f" (max = {self.max_accuracy:7.5f})"
            line += unit(self.accuracy_unit)
        return line

    def to_dict(self) -> dict[str, Any]:
        """Returns all that the statistics hold, in values that strict JSON can express."""
        self._read()
        return {
            "loss_log": [_to_json(value) for value in self.loss_log],
            "accuracy_log": [_to_json(value) for value in self.accuracy_log],
            "loss_sum": _to_json(self._loss_sum),
            "correct_samples": _to_json(self._correct),
            "num_samples": self._num_samples,
        } | ({} if self._names() == LearningStat()._names() else {"names": self._names()})

    def _names(self) -> list[str]:
        """What loss and accuracy are called, with their units."""
        return [self.loss_str, self.loss_unit, self.accuracy_str, self.accuracy_unit]

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "LearningStat":
        """Returns the statistics of which ``to_dict`` made ``saved``.

        Raises:
          ValueError: ``saved`` lacks an entry, or one is not what ``to_dict`` writes.
        """
        try:
            stat = cls(*_names(saved))
            stat.loss_log = [_from_json("loss_log", value) for value in _list(saved, "loss_log")]
            stat.accuracy_log = [
                _share(value) if stat._counted else _from_json("accuracy_log", value)
                for value in _list(saved, "accuracy_log")
            ]
            stat._loss_sum = _from_json("loss_sum", saved["loss_sum"])
            if stat._loss_sum is None:
                raise TypeError("loss_sum is None, expected a number")
            stat._num_samples = _count(saved["num_samples"])
            stat._correct = _from_json("correct_samples", saved["correct_samples"])
            unbounded = not stat._counted or stat._correct is None
            if not unbounded and not 0 <= stat._correct <= stat._num_samples:
                raise ValueError(f"{stat._correct:g} correct samples of {stat._num_samples}")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"`saved` cannot be read ({type(error).__name__}: {shown(error)}), expected what "
                "`to_dict` returned; save the statistics again."
            ) from error
        if len(stat.loss_log) != len(stat.accuracy_log):
            raise ValueError(
                f"`saved` logs {len(stat.loss_log)} losses and {len(stat.accuracy_log)} "
                "accuracies, expected one of each per epoch; save the statistics again."
            )
        return stat


def _first_lowest(log: Sequence[float | None]) -> int | None:
    finite = [epoch for epoch, v in enumerate(log) if v is not None and math.isfinite(v)]
    return min(finite, key=lambda epoch: log[epoch], default=None)


def _to_json(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)


def _from_json(name: str, value: Any) -> float | None:
    """A number as `_to_json` writes it."""
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number and value not in ("nan", "inf", "-inf"):
        raise TypeError(f"{name} holds a {type(value).__name__}, expected a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} holds a number of {value.bit_length()} bits") from None


def _share(value: Any) -> float | None:
    share = _from_json("accuracy_log", value)
    if share is not None and not 0 <= share <= 1:
        raise ValueError(f"accuracy_log holds {share:g}, expected numbers in [0, 1]")
    return share


def _names(saved: Mapping[str, Any]) -> list[str]:
    names = _list(saved, "names") if "names" in saved else []
    if len(names) > 4 or not all(isinstance(name, str) for name in names):
        raise TypeError("names holds what is no name")
    return names


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MOST_SAMPLES:
        raise ValueError(f"num_samples is no whole number from 0 to {MOST_SAMPLES - 1}")
    return value


def _list(saved: Mapping[str, Any], name: str) -> list[Any]:
    if not isinstance(saved[name], list | tuple):
        raise TypeError(f"{name} is a {type(saved[name]).__name__}, expected a list")
    return list(saved[name])
