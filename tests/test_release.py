"""What a release needs: versions that agree, and the files that an sdist must have."""

import re
import tomllib
from pathlib import Path

import pytest

import jslayer
from tools import addresses

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("CITATION.cff", r"^version: (\S+)$"),
        ("README.md", r"^  version = \{(\S+)\},$"),
    ],
)
def test_what_cites_the_library_names_its_version(file, line):
    found = re.findall(line, (ROOT / file).read_text("utf-8"), re.MULTILINE)
    assert found == [jslayer.__version__]


def test_every_folder_of_the_repository_is_in_an_sdist():
    kept = set(re.findall(r"^graft (\S+)$", (ROOT / "MANIFEST.in").read_text("utf-8"), re.M))
    for name in ("benchmarks", "docs", "notebooks", "tests", "tools", ".ci", ".github"):
        assert name in kept
    for name in re.findall(r"^include (.+)$", (ROOT / "MANIFEST.in").read_text("utf-8"), re.M):
        for file in name.split():
            assert (ROOT / file).is_file(), file


def test_the_address_of_the_metadata_is_that_of_the_setting():
    assert set(PROJECT["dynamic"]) == {"readme", "urls"}
    assert "urls" not in PROJECT
    text = addresses.citation("version: 1\n", "https://host/place")
    assert text == "version: 1\nrepository-code: https://host/place\n"
    assert addresses.citation(text, "") == "version: 1\n"


def test_the_files_that_contributing_names_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    names = re.findall(r"`((?:jslayer|tests|tools|docs|\.ci)/[\w./]+)`", text)
    assert len(names) > 15
    for name in names:
        assert "abc" in name or (ROOT / name).exists(), name


def test_the_workflow_runs_what_a_clone_runs():
    assert "- run: .ci/run\n" in (ROOT / ".github/workflows/tests.yml").read_text("utf-8")


def test_the_site_and_the_release_are_built_by_what_a_clone_runs():
    steps = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    assert "make docs" in steps and any(step.startswith("make dist ") for step in steps)
    command = "python -m tools.website"
    assert command in (ROOT / ".readthedocs.yaml").read_text("utf-8")
    assert command.removeprefix("python") in (ROOT / "Makefile").read_text("utf-8")


def test_the_changelog_has_a_section_for_the_version():
    found = re.findall(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert found[0] == jslayer.__version__
