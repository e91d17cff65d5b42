"""Leaves the tests of heads the choice of the penalty."""

import pytest


@pytest.fixture(autouse=True)
def _one_penalty() -> None:
    """Tries all penalties, as a run does."""
