"""The page of all results."""

from pathlib import Path

from benchmarks.recipes.results import Results


def write(results: Results, folder: Path) -> None:
    """Writes ``recipes.md`` into the folder."""
