"""Trials that diverged are kept apart from those that have scores."""

from regraft.errors import DivergedError
from regraft.runs.comparing.diverged import (
    both,
    diverged_record,
    diverged_trials,
    has_diverged,
    scored,
)

GOOD, OTHER = {"scores": {"test": 1}}, {"scores": {"test": 2}}
LOST = diverged_record(
    DivergedError("it ran away", hint="a smaller --lr"),
    {"strategy": "full", "seed": 1, "fraction": 1.0, "lr": 9.0},
    seconds=1.23456,
)


def test_the_record_says_which_trial_it_was_and_why() -> None:
    assert LOST == {
        "diverged": "it ran away",
        "strategy": "full",
        "seed": 1,
        "seconds": {"total": 1.235},
    }
    assert has_diverged(LOST)
    assert not has_diverged(GOOD)


def test_what_has_scores_is_kept() -> None:
    assert scored([GOOD, LOST, OTHER]) == [GOOD, OTHER]


def test_pairs_are_those_of_seeds_with_which_neither_diverged() -> None:
    assert both([GOOD, LOST, OTHER], [OTHER, GOOD, LOST]) == ([GOOD], [OTHER])
    assert both([LOST], [GOOD]) == ([], [])


def test_every_one_that_diverged_is_listed() -> None:
    found = diverged_trials({("head", 1.0): [GOOD, OTHER], ("full", 1.0): [GOOD, LOST]})
    assert found == [{"strategy": "full", "fraction": 1.0, "seed": 1, "reason": "it ran away"}]
