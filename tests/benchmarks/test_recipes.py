"""The page of the recipes is made of their results, and so are the numbers in the documentation."""

import importlib
import re

import jax
import pytest

from benchmarks import timing
from benchmarks.recipes import __main__ as command
from benchmarks.recipes import page
from benchmarks.recipes.nmnist_conv import interval
from benchmarks.recipes.results import Results, spread

RESULTS = Results(timing.RESULTS / "recipes.json")


def test_the_page_says_what_the_results_say():
    written = (timing.RESULTS / "recipes.md").read_text("utf-8")
    assert written == page.text(RESULTS, command.EXPERIMENTS)


@pytest.mark.parametrize("path", page.pages(), ids=lambda path: path.stem)
def test_the_documentation_says_what_the_results_say(path):
    text = path.read_text("utf-8")
    assert page.filled(text, page.tables(RESULTS, command.EXPERIMENTS)) == text
    for name in re.findall(r"<!-- recipes: (\w+)", text):
        assert name in command.EXPERIMENTS


def test_every_experiment_has_cases_with_seeds_and_says_what_it_is():
    for name in command.EXPERIMENTS:
        module = importlib.import_module(f"benchmarks.recipes.{name}")
        assert module.__doc__.count("\n\n") == 1
        assert all(seeds and case for case, seeds in module.CASES.items())
    known = {(n, c) for n in command.EXPERIMENTS for c in _cases(n)}
    assert {(row["experiment"], row["case"]) for row in RESULTS.rows} <= known


def _cases(name):
    return importlib.import_module(f"benchmarks.recipes.{name}").CASES


def test_a_training_that_ran_again_takes_the_place_of_the_one_before(tmp_path):
    row = {"experiment": "a", "case": "b", "seed": 1, "accuracy": 0.5}
    one, other = Results(tmp_path / "r.json"), Results(tmp_path / "r.json")
    one.add(row)
    other.add({**row, "seed": 0, "accuracy": 0.7})  # of another process
    one.add({**row, "accuracy": 0.9})
    found = Results(tmp_path / "r.json").of("a", "b")
    assert [(r["seed"], r["accuracy"]) for r in found] == [(0, 0.7), (1, 0.9)]
    assert found[0]["machine"]["jax"] == jax.__version__
    assert spread(found, "accuracy") == "0.800 ± 0.141"
    assert other.has("a", "b", 1) and not other.has("a", "b", 2)


def test_wilsons_interval_is_that_of_the_textbooks():
    # 95 of 100: 0.888 to 0.978
    assert interval(0.95, 100) == (pytest.approx(0.888, abs=1e-3), pytest.approx(0.978, abs=1e-3))


def test_marked_blocks_are_replaced_and_others_left():
    text = "a\n<!-- recipes: one -->\nold\n<!-- end -->\nb\n<!-- recipes: two -->\nx\n<!-- end -->"
    filled = page.filled(text, {"one": "| new |"})
    assert "<!-- recipes: one -->\n\n| new |\n\n<!-- end -->" in filled
    assert "old" not in filled and "<!-- recipes: two -->\nx\n<!-- end -->" in filled
    assert page.filled(filled, {"one": "| new |"}) == filled
    head = "<!-- recipes: one, first table -->\n"
    short = page.filled(f"{head}<!-- end -->", {"one": "| new |\n\n| more |"})
    assert short == f"{head}\n| new |\n\n<!-- end -->"


def test_an_unknown_experiment_is_refused_with_those_that_exist(capsys, tmp_path):
    with pytest.raises(SystemExit):
        command.main(["--only", "speed", "--out", str(tmp_path)])
    assert "`--only` names speed, expected some of" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ablation", "consecutive", "held_decays"])
def test_an_experiment_runs_and_its_page_is_written(name, tmp_path, capsys):
    module = importlib.import_module(f"benchmarks.recipes.{name}")
    case = next(iter(module.CASES))
    options = ["--only", name, "--case", case, "--seeds", "0", "--tiny", "--out", str(tmp_path)]
    with jax.numpy_dtype_promotion("standard"):
        assert command.main(options) == 0
        assert command.main([*options, "--missing", "--list"]) == 0
    assert capsys.readouterr().out.count(f"{name}: {case}") == 1
    assert f"## {module.__doc__.split('.')[0]}" in (tmp_path / "recipes.md").read_text("utf-8")
    if hasattr(module, "plot"):
        module.plot(Results(tmp_path / "recipes.json").rows)
