"""Tests that options are one value: equal where nothing differs, and never changed in place."""

import dataclasses

import pytest

from tests.tiny_sessions import options


def test_options_are_replaced_and_not_changed() -> None:
    made = options()
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.anneal = True  # type: ignore[misc]
    assert dataclasses.replace(made, anneal=True).anneal
    assert not made.anneal


def test_by_default_nothing_ends_a_run_and_nothing_freezes() -> None:
    made = options()
    assert made.deadline == float("inf")
    assert (made.threshold, made.average, made.views) == (None, None, None)
