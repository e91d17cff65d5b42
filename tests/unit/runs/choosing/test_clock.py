"""Tests that the first run of a command counts from its first moment, and later ones do not."""

import time

import pytest

from regraft.runs.choosing import clock


@pytest.fixture(autouse=True)
def uncommanded() -> None:
    clock.COMMANDED.set(None)


def test_what_is_called_from_python_counts_from_now() -> None:
    before = time.monotonic()
    assert before <= clock.began() <= time.monotonic()


def test_a_commands_first_run_counts_from_the_commands_start_and_no_other() -> None:
    early = time.monotonic() - 100
    clock.COMMANDED.set(early)
    assert clock.began() == early
    assert clock.began() > early + 99
