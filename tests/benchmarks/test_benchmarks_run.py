"""Benchmarks run at a tiny size and print their rows; what they measure is no test's business."""

import importlib
import json
import subprocess
import sys

import jax
import pytest

from benchmarks import timing

ROWS = {
    "neuron": (
        "copy of 4x the bytes",
        "forward, ops.run",
        "forward, Neuron, time first",
        "forward, Neuron, [N, C, T]",
        "forward + backward to input, Neuron",
        "forward + backward to input and decays, Neuron",
    ),
    "nmnist_step": (
        "matmuls",
        "copy of the input",
        "step, boolean events",
        "step, float events",
        "neuron forward + backward",
        "learnable delay forward + backward",
    ),
}


def rows_of(text):
    return [line.split(" | ")[0][2:] for line in text.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("name", ROWS)
def test_a_benchmark_prints_its_rows_and_the_machine_and_writes_the_same(name, capsys, tmp_path):
    benchmark = importlib.import_module(f"benchmarks.{name}")
    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam needs it
        benchmark.main(["--tiny", "--out", str(tmp_path / "result.md")])
    printed = capsys.readouterr().out
    assert set(ROWS[name]) <= set(rows_of(printed))
    assert all(f"{word}: " in printed for word in ("device", "cpus", "jax", "GLIBC_TUNABLES"))
    assert (tmp_path / "result.md").read_text().strip() in printed
    written = json.loads((tmp_path / "result.json").read_text())
    named = [row["name"] for rows in written["tables"].values() for row in rows]
    assert set(ROWS[name]) <= set(named)


@pytest.mark.parametrize("name", ROWS)
def test_a_benchmark_starts_by_its_path(name, repository, tmp_path):
    script = str(repository / "benchmarks" / f"{name}.py")
    done = subprocess.run(
        [sys.executable, script, "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "--tiny" in done.stdout


def test_cases_take_turns_and_each_is_called_once_before_the_rounds():
    calls = []
    cases = [
        timing.Case("floor", lambda: calls.append("floor")),
        timing.Case("work", lambda: calls.append("work"), floor="floor"),
    ]
    rows = timing.measure(cases, rounds=2)
    assert calls == ["floor", "work"] * 3
    assert rows[1].over_floor == rows[1].median_ms / rows[0].median_ms


def test_no_round_at_all_is_refused(capsys):
    with pytest.raises(SystemExit):
        timing.options("", ["--rounds", "0"])
    assert "expected at least 1" in capsys.readouterr().err
