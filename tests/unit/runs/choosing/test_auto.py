"""Tests successive halving by hand: the better half goes on, and no round goes beyond the time."""

from collections.abc import Sequence

import pytest

from regraft.runs.choosing.auto import PRESETS, Candidate, Tried, candidates, halving, most_seconds
from regraft.settings import Preset

SCORES = {"a": 0.7, "b": 0.9, "c": 0.8, "d": 0.6}


def trial(candidate: Candidate, share: float) -> Tried:
    """A trial whose score is known; `c` overtakes `b` when it is given more passes."""
    score = SCORES[candidate.strategy] + (0.2 if candidate.strategy == "c" and share > 0.25 else 0)
    return Tried(candidate, share, score, 0.5, 1.0)


def run(names: str, rounds: int = 9) -> tuple[str, list[tuple[str, float]]]:
    asked: list[float] = []

    def affordable(some: Sequence[Candidate], share: float) -> bool:
        asked.append(share)
        return len(asked) <= rounds

    taken, tried = halving(trial, [Candidate(name) for name in names], affordable=affordable)
    return taken.strategy, [(each.candidate.strategy, each.share) for each in tried]


def test_the_better_half_goes_on_to_more_passes() -> None:
    taken, tried = run("abcd")
    assert tried == [("a", 0.25), ("b", 0.25), ("c", 0.25), ("d", 0.25), ("b", 0.5), ("c", 0.5)]
    assert taken == "c"


def test_the_most_that_it_takes_is_where_the_slowest_are_left() -> None:
    # A quarter of all four, half of the slower two, and the slowest whole.
    assert most_seconds([1.0, 8.0, 2.0, 4.0]) == 15 / 4 + 12 / 2 + 8
    assert most_seconds([8.0]) == 8.0


def test_a_round_that_cannot_be_paid_for_is_left_out() -> None:
    assert run("abcd", rounds=1)[0] == "b"
    assert run("abcd", rounds=0) == ("a", [])


def test_one_candidate_needs_no_trial() -> None:
    assert run("d") == ("d", [])


def test_ties_are_broken_by_the_log_loss_and_then_by_the_order() -> None:
    def even(candidate: Candidate, share: float) -> Tried:
        return Tried(candidate, share, 0.5, 0.1 if candidate.strategy == "b" else 0.2, 1.0)

    three = [Candidate(name) for name in "abc"]
    assert halving(even, three, affordable=lambda *_: True)[0].strategy == "b"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("rows", "few"), [(16, True), (33, False)])
def test_pairs_come_first_where_labels_are_few(preset: Preset, rows: int, few: bool) -> None:
    names = [each.strategy for each in candidates(preset, rows=rows, classes=2)]
    assert names.count("contrastive") == few
    assert names[0] == ("contrastive" if few else "two-stage")
    assert "two-stage" in names


def test_what_trains_as_an_earlier_one_does_is_tried_once_they_part() -> None:
    four = [Candidate(name) for name in "abcd"]

    def alike(some: Sequence[Candidate], share: float) -> list[Candidate]:
        twin = {four[3]: four[1]} if share == 0.25 else {}
        return [twin.get(each, each) for each in some]

    tried = halving(trial, four, affordable=lambda *_: True, alike=alike)[1]
    words = [
        "".join(e.candidate.strategy for e in tried if e.share == share) for share in (0.25, 0.5)
    ]
    assert words == ["abc", "bdc"]


@pytest.mark.parametrize(("until", "words"), [(0.25, "ab"), (1.0, "")])
def test_those_that_all_train_alike_wait_until_they_part(until: float, words: str) -> None:
    two = [Candidate(name) for name in "ab"]

    def alike(some: Sequence[Candidate], share: float) -> list[Candidate]:
        return [two[0] if share <= until else each for each in some]

    taken, tried = halving(trial, two, affordable=lambda *_: True, alike=alike)
    assert "".join(each.candidate.strategy for each in tried) == words
    assert taken == (two[1] if words else two[0])
