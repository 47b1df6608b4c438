"""Benchmarks run at a tiny size and print their rows; what they measure is no test's business."""

import importlib
import itertools
import json
import re
import subprocess
import sys

import jax
import numpy as np
import pytest

import benchmarks.__main__ as command
from benchmarks import detection, gpu, timing
from jslayer import obd

TIMES = {"case", "first call, s", "median, ms", "min, ms", "max, ms", "over its floor"}
EXPECTED = {
    "floors": (TIMES | {"unit", "median", "best"}, {"copy of 1 MiB in place"}),
    "neurons": (
        TIMES | {"neuron", "state", "drive", "output", "kept for the gradient"},
        {
            "copy",
            "copy of 4x the bytes",
            "cuba: forward",
            "cuba: forward + backward to drive",
            "rf_iz: forward + backward to drive and parameters",
            "cuba, policy recompute: forward",
            "leaky integrator: forward",
            "resonator: forward",
        },
    ),
    "nmnist_step": (
        TIMES,
        {
            "matmuls",
            "copy of the input",
            "step, boolean events",
            "step, float events",
            "neuron forward + backward",
            "learnable delay forward + backward",
        },
    ),
    "pilotnet_step": (
        TIMES,
        {"convolutions and matmuls", "step", "step without norms and dropout"},
    ),
    "recurrent_step": (
        TIMES,
        {"matmuls of Dense and of the feedback", "Dense", "Recurrent", "KWTA"},
    ),
    "one_layer": (
        TIMES | {"arguments, MiB", "outputs, MiB", "temporary, MiB", "all, MiB"},
        {"two matmuls", "forward", "forward + backward to weights"},
    ),
    "streaming": (
        {"case", "median, us", "min, us", "99 % below, us"},
        {"network, call by call", "network, in a scan", "matrix products only, in a scan"},
    ),
    "compile_time": ({"T", "trace, s", "compile, s", "both, s", "instructions"}, {"3", "6"}),
    "memory": (
        {"T", "temporary, MiB", 'temporary with "recompute", MiB', "bytes per neuron and step"},
        {"2", "4"},
    ),
    "policies": (
        TIMES | {"policy", "temporary at T = 16, MiB", "bytes per neuron and step"},
        {"save", "save_spikes", "recompute"},
    ),
    "detection": (
        TIMES | {"median, ms", "99 % below, ms"},
        {
            "convolutions of the step",
            "training step",
            "targets",
            "suppression",
            "street_yolo as trained",
            "street_yolo folded",
            "4 frames x 20 boxes in one call",
        },
    ),
    "processes": (
        {"case", "temporary, MiB", "median, ms", "their MiB", "kind", "efficiency"},
        {"dense: 2 processes", "all-reduce", "64 GPUs"},
    ),
    "sharding": (TIMES | {"network", "devices"}, {"dense: 1 device"}),
}
"""Columns and rows that must be among those printed."""
STAND_FOR_ALL = ("floors", "nmnist_step")


def tables(text):
    """Columns and names of rows of all Markdown tables in ``text``."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    heads = [row for row, after in itertools.pairwise(cells) if after[0] == "---"]
    return {cell for head in heads for cell in head}, {row[0] for row in cells}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in STAND_FOR_ALL else pytest.mark.thorough)
        for name in EXPECTED
    ],
)
def test_a_benchmark_prints_its_rows_and_the_machine_and_writes_the_same(name, capsys, tmp_path):
    benchmark = importlib.import_module(f"benchmarks.{name}")
    with jax.numpy_dtype_promotion("standard"):  # Optax's Adam needs it
        benchmark.main(["--tiny", "--rounds", "1", "--out", str(tmp_path / "{device}_it")])
    printed = capsys.readouterr().out
    columns, rows = EXPECTED[name]
    found_columns, found_rows = tables(printed)
    assert columns <= found_columns
    assert rows <= found_rows
    assert all(f"{word}: " in printed for word in ("device", "processor", "jax", "GLIBC_TUNABLES"))
    assert (tmp_path / "cpu_it.md").read_text().strip() in printed
    written = json.loads((tmp_path / "cpu_it.json").read_text())
    assert written["machine"]["jax"] == jax.__version__
    named = {str(next(iter(row.values()))) for rows in written["tables"].values() for row in rows}
    assert rows <= named


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_detectors_file_is_judged_in_floats_and_in_integers(capsys, tmp_path):
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    network = obd.models.street_yolo(channels=(4,) * 6)
    variables = network.init(jax.random.key(0), np.zeros((1, 3, 32, 48, 1), np.float32))
    network.export(tmp_path / "network.net", variables)
    detection.main(["--tiny", "--hardware", str(tmp_path)])
    columns, rows = tables(capsys.readouterr().out)
    assert {"case", "AP", "AP50", "AP75"} <= columns
    assert {"network in floats", "file in integers"} <= rows


@pytest.mark.slow
def test_the_command_for_gpus_rehearses_on_a_cpu(capsys, tmp_path):
    with jax.numpy_dtype_promotion("standard"):
        gpu.main(["--rehearse", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    checked, equal = re.search(r"(\d+) comparisons, (\d+) equal", printed).groups()
    assert checked == equal
    names = ("exactness", "engines", "networks", "tiles")
    assert {file.name for file in tmp_path.glob("*.md")} == {f"rehearsal_{n}.md" for n in names}
    _, rows = tables(printed)
    assert {"cuba dense", "inference", "training forward", "Recurrent", "step"} <= rows


def test_the_command_for_gpus_says_what_is_missing(capsys):
    with pytest.raises(SystemExit):
        gpu.main([])
    assert "expected a GPU that JAX sees; install jax[cuda12]" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        gpu.main(["--rehearse", "--only", "speeds"])
    assert "`--only` names speeds, expected some of exactness, speed" in capsys.readouterr().err


@pytest.mark.slow
def test_a_benchmark_starts_by_its_path(repository, tmp_path):
    script = str(repository / "benchmarks" / "neurons.py")
    done = subprocess.run(
        [sys.executable, script, "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "--tiny" in done.stdout


@pytest.mark.slow
def test_one_command_runs_those_named_and_keeps_their_tables(tmp_path, capfd):
    assert command.main(["--tiny", "--only", "floors", "--out", str(tmp_path)]) == 0
    assert "copy of 1 MiB in place" in capfd.readouterr().out
    assert {file.name for file in tmp_path.iterdir()} == {"cpu_floors.md", "cpu_floors.json"}


def test_the_command_knows_every_benchmark(capsys):
    assert command.main(["--list"]) == 0
    assert set(EXPECTED) <= set(capsys.readouterr().out.split())


def test_the_command_runs_the_rest_when_one_fails_and_says_so(monkeypatch, capsys):
    ran = []

    class Done:
        def __init__(self, code):
            self.returncode = code

    def run(arguments, cwd):
        ran.append(arguments[2])
        return Done(int("floors" in arguments[2]))

    monkeypatch.setattr(command.subprocess, "run", run)
    assert command.main(["--only", "floors,neurons"]) == 1
    assert ran == ["benchmarks.floors", "benchmarks.neurons"]
    assert capsys.readouterr().err == "failed: floors\n"


def test_an_unknown_benchmark_is_refused_with_the_names_that_exist(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["--only", "neurons,speed"])
    assert stopped.value.code == 2
    assert "`--only` names speed, expected some of" in capsys.readouterr().err


def test_cases_take_turns_and_each_is_called_once_before_the_rounds():
    calls = []
    cases = [
        timing.Case("floor", lambda: calls.append("floor")),
        timing.Case("work", lambda: calls.append("work"), floor="floor"),
    ]
    rows = timing.measure(cases, rounds=2)
    assert calls == ["floor", "work"] * 3
    assert rows[1].over_floor == rows[1].median_ms / rows[0].median_ms


def test_a_table_has_the_columns_of_its_rows():
    text = timing.table("sizes", [{"name": "a", "MiB": 0.12345, "count": 1200}])
    assert text.splitlines()[2:] == [
        "| name | MiB | count |",
        "| --- | ---: | ---: |",
        "| a | 0.123 | 1200 |",
    ]


def test_no_round_at_all_is_refused(capsys):
    with pytest.raises(SystemExit):
        timing.options("", ["--rounds", "0"])
    assert "expected at least 1" in capsys.readouterr().err
