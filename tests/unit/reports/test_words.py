"""Numbers are shown as a person would write them."""

import pytest

from regraft.reports.words import (
    NOTHING,
    count,
    duration,
    percent,
    percent_score,
    plain_score,
    points,
    share,
)


@pytest.mark.parametrize("words", [percent, percent_score, plain_score, points, duration, share])
def test_what_was_not_measured_is_a_dash(words: object) -> None:
    assert callable(words)
    assert words(None) == NOTHING


def test_a_score_without_an_interval_stands_alone() -> None:
    assert percent_score({"value": 0.5}) == "50.0 %"
    assert plain_score({"value": 0.5, "low": None, "high": None}) == "0.500"


def test_a_difference_always_has_its_sign() -> None:
    assert [points(d) for d in (0.012, -0.012)] == ["+1.2", "−1.2"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (7322, "2 h 02 min")],
)
def test_durations_round_up_into_the_next_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_small_share_is_not_told_as_nothing() -> None:
    assert [share(s) for s in (0.0, 1e-6, 0.5, 1.0)] == ["0 %", "< 0.1 %", "50.0 %", "100 %"]


def test_thousands_are_parted() -> None:
    assert count(1234567) == "1\u2009234\u2009567"
