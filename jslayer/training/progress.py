"""A progress bar without dependencies: a moving line in a terminal, one line in a log file."""

import shutil
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from jslayer.io.first import writes

from .learning_stat import LearningStat, Scalar

_BAR_WIDTH = 20


class Progress:
    """Shows how far an epoch is: bar, loss, accuracy, samples per second, time to go.

    A terminal gets one line that is drawn anew, at most every ``interval_s``; any other stream
    gets one line when the block ends. Loss and accuracy are read only when a line is drawn, so
    that device arrays do not hold up the training loop.

    Args:
      total_samples: Samples in the epoch; ``None`` where it is unknown: no bar, no time to go.
      label: Text at the start of the line.
      stat: Statistics to show the loss and accuracy of, for example ``stats.training``.
      stream: Where to write; ``None`` is standard error.
      interval_s: Shortest time between two drawings, in seconds.
      clock: Returns the time in seconds.

    Raises:
      ValueError: ``total_samples`` is negative.

    Example:
      >>> import io
      >>> log = io.StringIO()
      >>> with Progress(4, "epoch 0", stream=log, clock=lambda: 0.0) as progress:
      ...     progress.update(4, loss=0.5)
      >>> print(log.getvalue(), end="")
      epoch 0 [####################] 100% 4/4 | loss 0.50000
    """

    def __init__(
        self,
        total_samples: int | None,
        label: str = "",
        *,
        stat: LearningStat | None = None,
        stream: TextIO | None = None,
        interval_s: float = 0.1,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        if total_samples is not None and total_samples < 0:
            raise ValueError(
                f"`total_samples` is {total_samples}, expected a number from 0; "
                "pass None where it is unknown."
            )
        self.total_samples = total_samples
        self.label = label
        self.num_samples = 0
        self._stat = stat
        self._loss: Scalar | None = None
        self._accuracy: Scalar | None = None
        self._stream = (sys.stderr if stream is None else stream) if writes() else None
        self._moving = self._stream is not None and self._stream.isatty()
        self._full, self._empty = "█░" if _can_write(self._stream, "█░") else "#-"
        self._interval_s = interval_s
        self._clock = clock
        self._width = 0  # of the line now on the terminal
        self._start = self._drawn = clock()
        self._first: tuple[float, int] | None = None

    def __enter__(self) -> "Progress":
        """Starts the clock."""
        self._start = self._drawn = self._clock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Writes the last line, also after an error, which goes on its way."""
        self._write(self._line(self._clock(), ended=True), end="\n")

    def update(
        self,
        num_samples: int,
        *,
        loss: Scalar | None = None,
        accuracy: Scalar | None = None,
    ) -> None:
        """Counts ``num_samples`` more samples.

        Args:
          num_samples: Samples since the last call.
          loss: ``[]``. Loss to show; ``None`` keeps the one shown.
          accuracy: ``[]``. Accuracy to show, in ``[0, 1]``; ``None`` keeps the one shown.

        Raises:
          ValueError: ``num_samples`` is negative.
        """
        if num_samples < 0:
            raise ValueError(
                f"`num_samples` is {num_samples}, expected a number from 0; "
                "pass the size of the batch, not the samples that are left."
            )
        self.num_samples += num_samples
        self._loss = self._loss if loss is None else loss
        self._accuracy = self._accuracy if accuracy is None else accuracy
        now = self._clock()
        if self._first is None:
            self._first = now, self.num_samples
        if self._moving and now - self._drawn >= self._interval_s:
            self._drawn = now
            self._write(self._line(now, ended=False), end="")

    def _line(self, now: float, *, ended: bool) -> str:
        parts = [" ".join(part for part in (self.label, self._bar()) if part)]
        loss, accuracy = self._loss, self._accuracy
        if self._stat is not None:
            loss = self._stat.loss if loss is None else loss
            accuracy = self._stat.accuracy if accuracy is None else accuracy
        if loss is not None:
            parts.append(f"loss {float(loss):.5f}")
        if accuracy is not None:
            parts.append(f"accuracy {float(accuracy):.4f}")
        elapsed = now - self._start
        if elapsed > 0:
            parts.append(f"{self.num_samples / elapsed:.1f} samples/s")
            parts.append(_clock_time(elapsed) if ended else f"ETA {self._time_to_go(now)}")
        return " | ".join(parts)

    def _bar(self) -> str:
        if self.total_samples is None:
            return f"{self.num_samples} samples"
        done = min(1.0, self.num_samples / self.total_samples) if self.total_samples else 1.0
        full = int(done * _BAR_WIDTH)
        bar = self._full * full + self._empty * (_BAR_WIDTH - full)
        return f"[{bar}] {int(100 * done):3d}% {self.num_samples}/{self.total_samples}"

    def _time_to_go(self, now: float) -> str:
        # The first batch includes compilation and tells nothing about those that follow.
        start, before = self._first or (now, 0)
        if self.total_samples is None or self.num_samples <= before or now <= start:
            return "?"
        left = max(0, self.total_samples - self.num_samples)
        return _clock_time(left * (now - start) / (self.num_samples - before))

    def _write(self, line: str, *, end: str) -> None:
        if self._stream is None:  # a windowed Python has no standard error
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        line = line.encode(encoding, "replace").decode(encoding)
        if self._moving:
            # A line that wraps could not be drawn over.
            line = line[: max(1, shutil.get_terminal_size().columns - 1)]
            self._width, before = len(line), self._width
            line = "\r" + line + " " * (before - len(line))
        self._stream.write(line + end)
        self._stream.flush()


def _can_write(stream: TextIO | None, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _clock_time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
