"""The pages of the site: those of the repository, the front page, and the reference."""

import re
import shutil
from pathlib import Path

from jslayer import _addresses
from tools.website import reference
from tools.website.links import rewritten

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
FRONT = Path(__file__).parent / "index.md"

START = ("first_steps", "concepts", "neurons", "from_lava_dl")
"""Pages of `docs` that come first, in their order; all others are guides."""
GUIDES = ("silent_network", "events_in", "closed_loops", "network_file")
"""The first of the guides; the rest follows by name."""
NOTEBOOKS = ("xor", "dynamics", "functional", "nmnist", "oxford", "pilotnet_sdnn")
"""The first of the notebooks."""


def places() -> dict[str, str]:
    """Where the site has the pages and pictures of the repository, by their paths in it."""
    found = {
        "README.md": "index.md",
        "CHANGELOG.md": "changelog.md",
        "CONTRIBUTING.md": "contributing.md",
        "benchmarks/README.md": "benchmarks/index.md",
    }
    for folder, pattern in (("docs", "*.md"), ("docs", "pictures/*")):
        for path in sorted((ROOT / folder).glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            found[name] = name.removeprefix("docs/")
    for folder, pattern in (("notebooks", "*.ipynb"), ("benchmarks/results", "*.md")):
        for path in sorted((ROOT / folder).glob(pattern)):
            found[path.relative_to(ROOT).as_posix()] = path.relative_to(ROOT).as_posix()
    return found


def write(folder: Path) -> None:
    """Writes the sources of the site.

    Args:
      folder: Where to; it must not exist.
    """
    where = places()
    for name, place in where.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if name == "README.md":
            target.write_text(front(where), "utf-8")
        elif target.suffix in (".md", ".ipynb"):
            text = (ROOT / name).read_text("utf-8")
            if not text.startswith("# ") and target.suffix == ".md":
                text = f"# {target.stem.replace('_', ' ')}\n\n{text}"
            if name == "benchmarks/README.md":
                text += _toctree(sorted(_stems(where, "benchmarks/results/")), "results/", "Tables")
            target.write_text(rewritten(text, name, where, _addresses.REPOSITORY), "utf-8")
        else:
            shutil.copyfile(ROOT / name, target)
    reference.write(folder / "reference")


def front(where: dict[str, str]) -> str:
    """The front page, with the first code of the README, and all other pages below it."""
    pages = _stems(where, "docs/", ".md")
    notebooks = _stems(where, "notebooks/")
    start = [name for name in START if name in pages]
    trees = (
        _toctree(start, "", "Start"),
        _toctree(_ordered(pages - set(start), GUIDES), "", "Guides"),
        _toctree(_ordered(notebooks, NOTEBOOKS), "notebooks/", "Notebooks"),
        _toctree(["index"], "reference/", "Reference"),
        _toctree(["benchmarks/index", "changelog", "contributing"], "", "Project"),
    )
    code = re.search(r"```python\n.*?```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert code is not None
    return FRONT.read_text("utf-8").replace("{twenty_lines}", code[0]) + "".join(trees)


def _stems(where: dict[str, str], folder: str, ending: str = "") -> set[str]:
    return {Path(name).stem for name in where if name.startswith(folder) and name.endswith(ending)}


def _ordered(names: set[str], first: tuple[str, ...]) -> list[str]:
    return [name for name in first if name in names] + sorted(names - set(first))


def _toctree(names: list[str], folder: str, caption: str) -> str:
    lines = "\n".join(folder + name for name in names)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n:maxdepth: 1\n\n{lines}\n```\n"
