"""Every Python block of the documentation runs and prints what its page says."""

import re
from pathlib import Path

import pytest

from tests import pages

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run(page, tmp_path, monkeypatch):
    if page.stem == "nir":
        pytest.importorskip("nir", reason="the package nir is not installed")
    monkeypatch.chdir(tmp_path)
    names = pages.run(page)
    if page.stem == "first_steps":
        assert names["accuracy"] > 0.9
        assert (tmp_path / "network.net").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([\w/.]+\.md)\)", page.read_text()):
        assert (page.parent / target).is_file(), target


def test_there_are_pages():
    assert PAGES
