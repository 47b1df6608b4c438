"""No page names an address or a name on an index that is not ours; one setting gives all."""

import json
import re
import tomllib

import pytest

from jslayer import _addresses
from tests.test_package import text_files
from tools import addresses

ROOT = addresses.ROOT
REPOSITORY = "https://github.com/owner/place"
HOSTS = r"(?:github|gitlab|bitbucket|codeberg|colab\.research\.google|readthedocs|mybinder)"
OTHERS = {
    "https://github.com/lava-nc/lava-dl",
    "https://colab.research.google.com/assets/colab-badge.svg",
}
"""Addresses of other projects, which pages may name."""
OWN = {"tools/addresses.py", "tests/test_addresses.py", "tests/notebooks/test_notebooks.py"}


def test_no_file_names_a_code_host_but_through_the_setting():
    mine = _addresses.REPOSITORY or "nothing"
    found = []
    for path, text in text_files():
        name = path.relative_to(ROOT).as_posix()
        for address in re.findall(rf"https?://[\w.]*{HOSTS}[\w./%-]*", text):
            place = address.removesuffix(".git").rstrip("/.")
            if name not in OWN and place not in OTHERS and not address.startswith(mine):
                found.append(f"{name}: {address}")
    assert found == []


OPTIONS = r"(?: +-[\w-]+| +[\"']?[\w-]+(?=[ \[]))*?"
BY_NAME = re.compile(
    rf"\b(?:pip|uv|conda|poetry) (?:install|add){OPTIONS} +[\"']?jslayer(?![\w/.]| @|\[\w+\] @)"
)
"""What installs from an index a package called as ours, which is a stranger's."""


def test_nothing_is_installed_by_our_name_from_an_index():
    history = {"test_addresses.py"}
    found = [
        path.relative_to(ROOT).as_posix()
        for path, text in text_files()
        if path.name not in history and BY_NAME.search(text)
    ]
    assert not found or _addresses.NAME


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("pip install jslayer", True),
        ('    %pip install --quiet "jslayer[viz]"', True),
        ("uv add matplotlib jslayer", True),
        ('pip install "jslayer[viz] @ git+https://host/place"', False),
        ("pip install jslayer/", False),
        ('pip install ".[viz]"', False),
    ],
)
def test_a_name_on_an_index_is_found_in_any_dress(line, is_found):
    assert bool(BY_NAME.search(line)) == is_found


def test_every_page_is_as_the_setting_says():
    old = [path.name for path, text in addresses.pages().items() if path.read_text("utf-8") != text]
    assert old == [], "run tools/addresses.py"


def test_the_packages_of_the_messages_are_those_of_the_extras():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]

    def packages(extra):
        for wanted in extras[extra]:
            name = re.match(r"[\w-]+", wanted)[0]
            if name == "jslayer":
                yield from packages(re.search(r"\[(\w+)\]", wanted)[1])
            else:
                yield name

    for extra, names in _addresses.PACKAGES.items():
        assert tuple(packages(extra)) == names


def test_a_message_says_how_to_install_what_is_missing(monkeypatch):
    monkeypatch.setattr(_addresses, "NAME", "")
    assert _addresses.install("viz") == "pip install matplotlib pillow"
    monkeypatch.setattr(_addresses, "NAME", "name")
    assert _addresses.install("viz") == 'pip install "name[viz]"'


def test_an_address_comes_into_a_notebook_and_goes_without_a_trace():
    path = ROOT / "notebooks" / "xor.ipynb"
    before = addresses.notebook(path.read_text("utf-8"), "xor", "", "")
    after = addresses.notebook(before, "xor", REPOSITORY, "")
    title, code = ("".join(cell["source"]) for cell in json.loads(after)["cells"][:2])
    assert "/github/owner/place/blob/main/notebooks/xor.ipynb)" in title
    assert f'%pip install --quiet "jslayer[viz] @ git+{REPOSITORY}"' in code
    assert addresses.notebook(after, "xor", "", "") == before
    assert "http" not in "".join(json.loads(before)["cells"][0]["source"])
    assert '"place[viz]"' in addresses.notebook(before, "xor", REPOSITORY, "place").replace(
        "\\", ""
    )


def test_a_repository_elsewhere_has_links_and_no_badges_of_github():
    assert addresses.colab_badge("xor", "https://host/owner/place") == ""
    assert addresses.readme_badge("https://host/owner/place") == ""
    assert addresses.project_urls("https://host/p")["Issues"] == "https://host/p/issues"
    assert addresses.project_urls("") == {}


@pytest.mark.parametrize("repository", ["", REPOSITORY])
def test_the_page_of_an_index_has_no_link_that_leads_nowhere(repository):
    readme = (ROOT / "README.md").read_text("utf-8") + "\n![drawn](docs/a.png)\n[b](docs/b.md)\n"
    page = addresses.index_page(readme, repository)
    targets = re.findall(r"\]\(([^()\s]+)\)", page)
    assert all(target.startswith(("http", "#")) for target in targets), targets
    assert (f"![drawn]({REPOSITORY}/raw/main/docs/a.png)" in page) == bool(repository)
    assert "drawn" in page or not repository
