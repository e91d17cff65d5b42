"""Spares the contracts what takes time and is tested elsewhere."""

import pytest

from tests import tiny


@pytest.fixture(autouse=True)
def _quick_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the pictures of reports undrawn: `unit/reports` and `end_to_end` draw them."""
    tiny.quick_pages(monkeypatch)


@pytest.fixture(autouse=True)
def _one_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a head be solved once: `unit/training/heads` and `end_to_end` choose its penalty."""
    tiny.heads_of_one_penalty(monkeypatch)
