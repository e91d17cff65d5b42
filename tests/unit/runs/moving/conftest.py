"""Fixtures of the tests of methods that move the trunk."""

import pytest

from regraft.runs.choosing import defaults


@pytest.fixture(autouse=True)
def _usual_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    usual_steps(monkeypatch)


def usual_steps(patch: pytest.MonkeyPatch) -> None:
    """Lets a step have 32 rows: where these tests stop a run is counted in such steps."""
    patch.setitem(defaults.BATCH_SIZES, "text", (32, 32))
