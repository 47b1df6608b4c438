"""Every Python block of the documentation runs, one after the other on each page."""

import re
from pathlib import Path

import jax
import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def blocks(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    with jax.numpy_dtype_promotion("standard"):  # what a user has
        for number, block in enumerate(blocks(page)):
            exec(compile(block, f"{page.name} block {number}", "exec"), names)
    if page.stem == "first_steps":
        assert names["accuracy"] > 0.9
        assert (tmp_path / "network.net").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([\w/.]+\.md)\)", page.read_text()):
        assert (page.parent / target).is_file(), target


def test_there_are_pages():
    assert PAGES
