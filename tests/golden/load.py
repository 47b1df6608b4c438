"""Reads the golden manifests: cases and their arrays, nothing about them known beforehand."""

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import shared_folder


def folder() -> Path | None:
    """The golden folder, or ``None`` where it is absent."""
    root = shared_folder()
    return root / "golden" if root is not None and (root / "golden").is_dir() else None


@functools.cache
def _arrays(path: Path):
    return np.load(path)


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """One case of a manifest."""

    data: dict

    @property
    def id(self) -> str:
        return self.data["id"]

    @property
    def kind(self) -> str:
        """What it tests; a block's kind names the family and the block."""
        config = self.data["config"]
        if self.data["kind"] in ("block", "block_persistent"):
            return f"{self.data['kind']}.{config['family']}.{config['block']}"
        return self.data["kind"]

    @property
    def config(self) -> dict:
        return self.data["config"]

    def __getitem__(self, name: str) -> np.ndarray:
        return _arrays(folder() / self.data["file"])[f"{self.id}/{name}"]

    def has(self, name: str) -> bool:
        return f"{self.id}/{name}" in _arrays(folder() / self.data["file"]).files


def cases(manifest: str) -> list[Case]:
    """All cases of ``manifest_<manifest>.json``; none where the folder is absent."""
    if folder() is None:
        return []
    with open(folder() / f"manifest_{manifest}.json") as file:
        return [Case(data) for data in json.load(file)["cases"]]


def parametrize(manifests: list[str], adapters: dict):
    """Every case as a parameter; what has no adapter, and what is left out, is skipped by name."""
    if folder() is None:
        reason = "golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository"
        return pytest.mark.parametrize(
            "case", [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
        )
    rows = []
    for case in [case for manifest in manifests for case in cases(manifest)]:
        marks = []
        if "nonpow2" in case.data.get("tags", ()):
            reason = "nonpow2: the reference loses units where the scale is no power of two"
            marks.append(pytest.mark.skip(reason=reason))
        elif adapter_of(case.kind, adapters) is None:
            marks.append(pytest.mark.skip(reason=f"no adapter yet for kind {case.kind}"))
        rows.append(pytest.param(case, id=case.id, marks=marks))
    return pytest.mark.parametrize("case", rows)


def adapter_of(kind: str, adapters: dict):
    """The adapter of a kind, or ``None``."""
    return adapters.get(kind)
