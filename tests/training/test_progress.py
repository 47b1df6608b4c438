"""The progress bar, on streams that remember and a clock that stands still."""

import io

import jax.numpy as jnp
import pytest

from jslayer.training.learning_stat import LearningStat
from jslayer.training.progress import Progress


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


class Ascii(io.TextIOWrapper):
    """A terminal that cannot show more than ASCII."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="ascii", newline="")

    def isatty(self):
        return True

    def text(self):
        return self.buffer.getvalue().decode("ascii")


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_a_log_file_gets_one_line():
    log, clock = io.StringIO(), Clock()
    with Progress(8, "epoch 3", stream=log, clock=clock) as progress:
        for _ in range(4):
            clock.now += 1.0
            progress.update(2, loss=0.25, accuracy=0.5)
    assert log.getvalue() == (
        "epoch 3 [####################] 100% 8/8 | loss 0.25000 | accuracy 0.5000"
        " | 2.0 samples/s | 0:04\n"
    )


def test_a_terminal_gets_a_line_that_is_drawn_anew():
    terminal, clock = Terminal(), Clock()
    with Progress(8, "epoch 3", stream=terminal, clock=clock) as progress:
        for _ in range(4):
            clock.now += 1.0
            progress.update(2)
    start, *drawn = terminal.getvalue().split("\r")
    assert start == ""
    assert drawn[1].startswith("epoch 3 [██████████░░░░░░░░░░]  50% 4/8")
    assert len(drawn) == 5
    assert drawn[-1].rstrip(" \n").endswith("| 2.0 samples/s | 0:04")
    assert terminal.getvalue().endswith("\n")
    assert terminal.getvalue().count("\n") == 1


def test_a_shorter_line_wipes_out_the_longer_one_before():
    terminal, clock = Terminal(), Clock()
    with Progress(4, stream=terminal, clock=clock) as progress:
        clock.now = 1.0
        progress.update(2, loss=123456.0)
        clock.now = 2.0
        progress.update(2, loss=1.0)
    _, before, after, _ = terminal.getvalue().split("\r")
    assert len(after) >= len(before)


def test_drawing_and_reading_are_throttled():
    class Loss:
        read = 0

        def __float__(self):
            Loss.read += 1
            return 1.0

    terminal, clock = Terminal(), Clock()
    with Progress(1000, stream=terminal, interval_s=0.1, clock=clock) as progress:
        for _ in range(1000):
            clock.now += 0.001
            progress.update(1, loss=Loss())
    assert 9 <= Loss.read <= 11
    assert terminal.getvalue().count("\r") == Loss.read


def test_the_first_batch_compiles_and_does_not_count_for_the_time_to_go():
    terminal, clock = Terminal(), Clock()
    with Progress(100, stream=terminal, clock=clock) as progress:
        clock.now = 60.0
        progress.update(10)
        assert "ETA ?" in terminal.getvalue()
        clock.now = 61.0
        progress.update(10)
    assert "ETA 0:08" in terminal.getvalue()


@pytest.mark.parametrize(("seconds", "shown"), [(8, "0:08"), (125, "2:05"), (3725, "1:02:05")])
def test_times_read_like_a_clock(seconds, shown):
    log, clock = io.StringIO(), Clock()
    with Progress(1, stream=log, clock=clock) as progress:
        clock.now = seconds
        progress.update(1)
    assert log.getvalue().endswith(f"| {shown}\n")


def test_statistics_supply_loss_and_accuracy():
    log, stat = io.StringIO(), LearningStat()
    with Progress(4, stat=stat, stream=log, clock=Clock()) as progress:
        stat.update(jnp.float32(2.0), jnp.int32(3), 4)
        progress.update(4)
    assert "| loss 0.50000 | accuracy 0.7500" in log.getvalue()


def test_a_terminal_without_unicode_gets_ascii():
    terminal, clock = Ascii(), Clock()
    with Progress(2, "épisode", stream=terminal, clock=clock) as progress:
        clock.now = 1.0
        progress.update(1)
    assert "?pisode [##########----------]  50% 1/2" in terminal.text()


def test_a_narrow_terminal_never_wraps(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    terminal, clock = Terminal(), Clock()
    with Progress(2, "a long label for an epoch", stream=terminal, clock=clock) as progress:
        clock.now = 1.0
        progress.update(1, loss=1.0)
    assert max(len(line.rstrip("\n")) for line in terminal.getvalue().split("\r")) <= 29


@pytest.mark.parametrize(
    ("total", "samples", "shown"),
    [
        (None, 5, "5 samples"),
        (0, 0, "[####################] 100% 0/0"),
        (4, 5, "[####################] 100% 5/4"),
        (3, 1, "[######--------------]  33% 1/3"),
        (1000, 999, "[###################-]  99% 999/1000"),
    ],
)
def test_odd_totals_are_shown_as_they_are(total, samples, shown):
    log = io.StringIO()
    with Progress(total, stream=log, clock=Clock()) as progress:
        progress.update(samples)
    assert log.getvalue() == f"{shown}\n"


def test_an_error_passes_and_the_line_shows_where_it_came():
    log = io.StringIO()
    with (
        pytest.raises(RuntimeError, match="out of memory"),
        Progress(4, stream=log, clock=Clock()) as progress,
    ):
        progress.update(1)
        raise RuntimeError("out of memory")
    assert "25% 1/4" in log.getvalue()


def test_without_standard_error_nothing_is_written(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with Progress(1) as progress:
        progress.update(1)
    assert progress.num_samples == 1


def test_negative_numbers_are_refused():
    with pytest.raises(ValueError, match=r"`total_samples` is -1, expected .*; pass None"):
        Progress(-1)
    with pytest.raises(ValueError, match=r"`num_samples` is -2, expected .*; pass the size"):
        Progress(1, stream=io.StringIO()).update(-2)
