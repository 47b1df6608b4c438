"""What the tests of engines share."""

import pytest

from jslayer.ops.engines import select


@pytest.fixture
def with_gpu(monkeypatch):
    """Pretends that Mosaic runs here."""
    reason = {"mosaic": None, "triton": "left out"}
    monkeypatch.setattr(select, "missing", reason.get)
    select.engine.cache_clear()
    yield
    select.engine.cache_clear()
