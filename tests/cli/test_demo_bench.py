"""The commands for a first look: they run, print what they did, and refuse what makes no sense."""

import jax

from jslayer.cli import demo
from jslayer.cli.main import main


def test_the_benchmark_prints_a_line_for_each_case(capsys):
    with jax.numpy_dtype_promotion("standard"):  # Adam multiplies floats with its step count
        assert main(["bench", "--tiny", "--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    for case in ("copy of the same bytes", "CUBA neurons, forward ", "training step"):
        assert case in printed
    assert printed.count(" ms\n") == 4
    assert main(["bench", "--rounds", "0"]) == 2
    assert "`--rounds` is 0" in capsys.readouterr().err


def test_the_demonstration_trains_and_goes_on_from_there(tmp_path, monkeypatch, capsys):
    given = []
    monkeypatch.setattr(demo.train, "main", lambda arguments: given.extend(arguments) or 0)
    assert main(["demo", "--out", str(tmp_path), "--epochs", "1"]) == 0
    assert given == ["--data", "moving_bars", "--out", str(tmp_path), "--epochs", "1"]
    assert "eight ways" in capsys.readouterr().out
