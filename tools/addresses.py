"""Writes every page that names the repository or the package anew, from ``jslayer/_addresses.py``.

``python tools/addresses.py`` changes the sources of the notebooks (their outputs stay), the badge
of the README and ``CITATION.cff``; ``--check`` changes nothing and fails where something is to be
changed. While the setting is empty no badge and no link is left. ``setup.py`` takes the metadata of
a build from here.
"""

import argparse
import json
import re
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# by path: a build has neither JAX nor the library
_SETTING = runpy.run_path(str(ROOT / "jslayer" / "_addresses.py"))
REPOSITORY: str = _SETTING["REPOSITORY"]
NAME: str = _SETTING["NAME"]

BADGE = re.compile(r"^\[!\[.*\n+", re.MULTILINE)
"""A line that begins with a picture that is a link, and the empty lines behind it."""
COLAB = "https://colab.research.google.com"
ASK = '    source = input("wheel of jslayer, or git+ and the address of its repository: ")\n'


def project_urls(repository: str = REPOSITORY) -> dict[str, str]:
    """The addresses of the metadata; none without a repository."""
    if not repository:
        return {}
    files = f"{repository}/blob/main"
    return {
        "Repository": repository,
        "Documentation": f"{files}/docs/first_steps.md",
        "Changelog": f"{files}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def index_page(readme: str, repository: str = REPOSITORY) -> str:
    """The README as an index shows it, where links to files of the repository lead nowhere.

    They become absolute; without a repository links become plain text, and pictures go.
    """
    local = r"\((?!https?://|#)([^()\s]+)\)"
    picture, link = r"!\[([^\[\]]*)\]" + local, r"(?<!!)\[([^\[\]]*)\]" + local
    if repository:
        readme = re.sub(picture, rf"![\1]({repository}/raw/main/\2)", readme)
        return re.sub(link, rf"[\1]({repository}/blob/main/\2)", readme)
    return re.sub(link, r"\1", re.sub(picture + r"\n*", "", readme))


def badged(page: str, badge: str) -> str:
    """A page whose badge stands below its title, or is gone where there is none."""
    page = BADGE.sub("", page)
    title, _, rest = page.partition("\n\n")
    return f"{title}\n\n{badge}\n\n{rest}" if badge else page


def readme_badge(repository: str = REPOSITORY) -> str:
    """The state of the tests, for a repository on GitHub."""
    if not repository.startswith("https://github.com/"):
        return ""
    runs = f"{repository}/actions/workflows/tests.yml"
    return f"[![tests]({runs}/badge.svg)]({runs})"


def colab_badge(name: str, repository: str = REPOSITORY) -> str:
    """What opens a notebook in Colab, which reads those on GitHub."""
    if not repository.startswith("https://github.com/"):
        return ""
    place = repository.removeprefix("https://github.com/")
    page = f"{COLAB}/github/{place}/blob/main/notebooks/{name}.ipynb"
    return f"[![Open In Colab]({COLAB}/assets/colab-badge.svg)]({page})"


def first_cell(repository: str = REPOSITORY, name: str = NAME) -> str:
    """The code with which every notebook begins: it installs the library where it is missing."""
    ask, what = "", ""
    if name:
        what = f'"{name}[viz]"'
    elif repository:
        what = f'"jslayer[viz] @ git+{repository}"'
    else:
        ask, what = ASK, "{source} matplotlib pillow"
    return (
        "try:\n    import jslayer as slayer\nexcept ModuleNotFoundError:\n"
        f"{ask}    %pip install --quiet {what}\n    import jslayer as slayer"
    )


def notebook(text: str, stem: str, repository: str = REPOSITORY, name: str = NAME) -> str:
    """A notebook with badge and first cell as set; all else stays, to the byte.

    Args:
      text: The file.
      stem: Its name, without ending.
      repository: Address of the repository, or ``""``.
      name: Name on the index, or ``""``.

    Returns:
      The file.

    Raises:
      ValueError: its first two cells are no title and code.
    """
    read = json.loads(text)
    cells = read["cells"]
    kinds = [cell["cell_type"] for cell in cells[:2]]
    if kinds != ["markdown", "code"]:
        raise ValueError(f"`{stem}` begins with {kinds}, expected a title and the first code.")
    title = "".join(cells[0]["source"])
    sources = (badged(title, colab_badge(stem, repository)), first_cell(repository, name))
    for cell, source in zip(cells, sources, strict=False):
        cell["source"] = source.splitlines(keepends=True)
    return json.dumps(read, indent=1, ensure_ascii=False) + "\n"


def citation(text: str, repository: str = REPOSITORY) -> str:
    """``CITATION.cff`` with the address of the repository, or without that line."""
    text = re.sub(r"^repository-code:.*\n", "", text, flags=re.MULTILINE)
    return text + (f"repository-code: {repository}\n" if repository else "")


def pages() -> dict[Path, str]:
    """What every page that names an address should be, by its path."""
    readme, cited = ROOT / "README.md", ROOT / "CITATION.cff"
    found = {
        readme: badged(readme.read_text("utf-8"), readme_badge()),
        cited: citation(cited.read_text("utf-8")),
    }
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        found[path] = notebook(path.read_text("utf-8"), path.stem)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; 1 where one should")
    options = parser.parse_args(arguments)
    old = [path for path, text in pages().items() if path.read_text("utf-8") != text]
    for path in old:
        print(path.relative_to(ROOT).as_posix())
        if not options.check:
            path.write_text(pages()[path], "utf-8")
    return int(options.check and bool(old))


if __name__ == "__main__":
    sys.exit(main())
