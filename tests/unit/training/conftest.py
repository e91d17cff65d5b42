"""Spares the tests of training what takes time and is tested in `heads`."""

import pytest

from tests import tiny


@pytest.fixture(autouse=True)
def _one_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a head be solved once: `heads` and `end_to_end` choose its penalty."""
    tiny.heads_of_one_penalty(monkeypatch)
