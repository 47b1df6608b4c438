"""The page of all results, and the tables and pictures in the documentation made of them."""

import importlib
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.recipes.results import Results, machines

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "docs" / "recipes"
HEAD = """# Recipes

What `python -m benchmarks.recipes` reached; every number is in `recipes.json` beside this page.
"Processor" is the processor time of all threads of one training, compilation included, and of what
judges it; on two idle cores a training takes from half of that up to all of it. Wall times stand in
the file: the machine was shared, so that they compare nothing. A number with ± is mean and standard
deviation over seeds.
"""
BLOCK = re.compile(r"(<!-- recipes: (\w+)(, first table)? -->\n).*?(<!-- end -->)", re.DOTALL)


def tables(results: Results, names: Sequence[str]) -> dict[str, str]:
    """The part of every experiment that has results, by its name."""
    found = {}
    for name in names:
        if rows := results.of(name):
            found[name] = importlib.import_module(f"benchmarks.recipes.{name}").tables(rows)
    return found


def text(results: Results, names: Sequence[str]) -> str:
    """The whole page."""
    parts = [HEAD.strip()]
    for name, found in tables(results, names).items():
        module = importlib.import_module(f"benchmarks.recipes.{name}")
        title, _, about = module.__doc__.strip().partition("\n\n")
        parts += [f"## {title.rstrip('.')}", about.strip(), found]
        parts.append(f"{machines(results.of(name))}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def filled(page: str, found: dict[str, str]) -> str:
    """A page of the documentation with its marked blocks as the results say.

    A block stands between ``<!-- recipes: NAME -->`` or ``<!-- recipes: NAME, first table -->`` and
    ``<!-- end -->``.
    """

    def block(match: re.Match[str]) -> str:
        opening, name, first, closing = match.groups()
        if name not in found:
            return match[0]
        part = found[name].split("\n\n")[0] if first else found[name]
        return f"{opening}\n{part}\n\n{closing}"

    return BLOCK.sub(block, page)


def pages() -> list[Path]:
    """Pages that may hold marked blocks."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def write(results: Results, folder: Path, names: Sequence[str], *, documentation: bool) -> None:
    """Writes ``recipes.md`` and, where wanted, pictures and marked blocks of the documentation."""
    (folder / "recipes.md").write_text(text(results, names), encoding="utf-8")
    if not documentation:
        return
    found = tables(results, names)
    for path in pages():
        before = path.read_text("utf-8")
        if (after := filled(before, found)) != before:
            path.write_text(after, encoding="utf-8")
    PICTURES.mkdir(exist_ok=True)
    for name in found:
        module = importlib.import_module(f"benchmarks.recipes.{name}")
        if plot := getattr(module, "plot", None):
            plot(results.of(name)).savefig(PICTURES / f"{name}.png", dpi=120)
