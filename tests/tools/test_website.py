"""The web site: no page and no public name is missing; links lead where the site has the page."""

import importlib
from pathlib import Path

import pytest

from tools.website import reference, sources
from tools.website.links import rewritten

ROOT = Path(__file__).resolve().parents[2]
NAMES = (ROOT / "tests" / "data" / "public_names.txt").read_text("utf-8").split()
OLD = ("jslayer.examples", "jslayer.migrate.", "jslayer.utils.")
"""Names that go on working for users of the first version, and need no page."""


@pytest.fixture(scope="module")
def documented():
    """Modules and names with a place in the reference."""
    found = set()
    for faces in reference.topics().values():
        for face in faces:
            for name in (face, *(f"{face}.{inner}" for inner in reference.INNER.get(face, ()))):
                module = importlib.import_module(f"jslayer.{name}".rstrip("."))
                found.add(module.__name__)
                found |= {f"{module.__name__}.{name}" for name, _ in reference.names(module)}
    return found


def test_every_public_name_is_in_the_reference(documented):
    missing = [name for name in NAMES if name not in documented and not name.startswith(OLD)]
    assert missing == []
    assert "jslayer.migrate.from_lava" in documented


def test_a_name_is_documented_once_and_a_link_elsewhere():
    homes = {}
    first = reference.page(importlib.import_module("jslayer.block"), homes)
    again = reference.page(importlib.import_module("jslayer"), homes)
    assert ".. autoclass:: jslayer.block.Sequential" in first
    assert "- ``Sequential``: see :py:obj:`jslayer.block.Sequential`." in again


def test_every_page_of_the_folder_has_a_place_in_the_list_of_pages():
    front = sources.front(sources.places())
    for folder, pattern in (("docs", "*.md"), ("notebooks", "*.ipynb")):
        for path in (ROOT / folder).glob(pattern):
            place = sources.places()[path.relative_to(ROOT).as_posix()]
            assert f"\n{place.removesuffix(path.suffix)}\n" in front, place


@pytest.mark.parametrize(
    ("text", "page", "repository", "expected"),
    [
        ("[a](../docs/a.md#b)", "notebooks/c.ipynb", "", "[a](../a.md#b)"),
        ("![a](docs/pictures/p.png)", "README.md", "", "![a](pictures/p.png)"),
        ("[a](LICENSE), [b](#c), [d](https://e)", "README.md", "", "a, [b](#c), [d](https://e)"),
        ("[a](LICENSE)", "README.md", "https://h/p", "[a](https://h/p/blob/main/LICENSE)"),
    ],
)
def test_a_link_leads_to_the_page_of_the_site(text, page, repository, expected):
    places = {
        "README.md": "index.md",
        "docs/a.md": "a.md",
        "docs/pictures/p.png": "pictures/p.png",
        "notebooks/c.ipynb": "notebooks/c.ipynb",
    }
    assert rewritten(text, page, places, repository) == expected
