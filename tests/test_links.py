"""Links and pictures of the pages lead to files, and anchors to headings."""

import re
from pathlib import Path

import pytest

from tools.website.links import LINK

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
    *sorted((ROOT / "benchmarks").rglob("*.md")),
]


def headings(page):
    """Anchors of a page's headings, as code hosts and the site make them."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for match in LINK.finditer(page.read_text("utf-8")):
        target = match["target"]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), f"{target} of {page.name}"
        assert not anchor or anchor in headings(there), f"{target} of {page.name}"


def test_every_picture_is_on_a_page_and_has_a_text():
    shown = set()
    for page in [*PAGES, ROOT / "tools" / "website" / "index.md"]:
        for match in LINK.finditer(page.read_text("utf-8")):
            if match["picture"]:
                assert match["text"], f"{match['target']} of {page.name}"
                shown.add(Path(match["target"]).name)
    assert shown >= {path.name for path in (ROOT / "docs" / "pictures").iterdir()}


def test_pictures_are_small():
    sizes = [path.stat().st_size for path in (ROOT / "docs" / "pictures").iterdir()]
    assert max(sizes) < 1_500_000
    assert sum(sizes) < 3_000_000
