"""What a build cannot take from ``pyproject.toml``: what depends on the repository's address."""

import runpy
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
addresses = runpy.run_path(str(ROOT / "tools" / "addresses.py"))

setup(
    long_description=addresses["index_page"]((ROOT / "README.md").read_text("utf-8")),
    long_description_content_type="text/markdown",
    project_urls=addresses["project_urls"](),
)
