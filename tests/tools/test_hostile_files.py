"""The short part of what `tools/hostile_files.py` does: quick cases and a few mutations."""

import pytest

from tools import fuzz_event_files, fuzz_network_file
from tools.hostile.case import Case, Found, met
from tools.hostile_files import CASES, in_process


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.is_quick])
def test_every_quick_case_ends_as_it_should(name, tmp_path):
    if "picture" in name:
        pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    found = met(CASES[name], tmp_path)
    assert found.faults(CASES[name]) == [], found


def test_a_case_that_goes_wrong_is_told():
    case = Case(lambda folder: lambda: None, seconds=1.0, megabytes=1.0)
    assert Found("read", "", 2.0, 3.0).faults(case) == [
        "expected NetworkFileError", "too slow", "too large",
    ]  # fmt: skip
    assert Found("NetworkFileError", "\x1b", 0.0, 0.0).faults(case) == ["a flood"]
    assert Found("NetworkFileError", "y" * 801, 0.0, 0.0).faults(case) == ["a flood"]


def test_a_case_runs_in_a_process_of_its_own():
    found = in_process("half an event, .bs2")
    assert found.outcome == "ValueError" and "of 7 bytes" in found.message


def test_mutated_event_files_read_or_are_refused():
    counts, bad = fuzz_event_files.fuzz(first=1, mutations=400)
    assert bad == []
    assert counts["read"] > 50 and counts["ValueError"] > 150


@pytest.mark.filterwarnings("ignore")
def test_mutated_network_files_read_or_are_refused(tmp_path):
    path, verdicts = tmp_path / "a.net", []
    for number in range(1, 40):
        try:
            fuzz_network_file.mutated(number, fuzz_network_file.samples(), path)
        except Exception:
            continue  # the mutation itself is impossible
        verdicts.append(fuzz_network_file.judged(path))
    assert set(verdicts) <= {"read", "NetworkFileError"}
    assert len(verdicts) > 30
