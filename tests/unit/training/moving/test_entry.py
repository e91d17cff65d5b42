"""Batches enter at the line, and follow it when it moves up in the middle of a phase."""

import math
from pathlib import Path
from typing import Any

import pytest

from regraft.errors import DivergedError
from regraft.features import prefixed, shelf
from regraft.features.cached import Cache
from regraft.features.level import Level
from regraft.features.worth import Worth
from regraft.freezing.proof import state_digest
from regraft.freezing.threshold import Rule, Trails
from regraft.training import steps as steps_module
from regraft.training.keeping.keeper import Keeper
from regraft.training.loop import work
from regraft.training.moving.entry import enter
from regraft.training.phase import Phase
from regraft.training.session import Session
from regraft.training.steps import Stepper
from tests.tiny_sessions import KINDS, Size, grafted, options, session


class StoppedHereError(Exception):
    """Stands for a kill."""


@pytest.fixture(autouse=True)
def _own_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    monkeypatch.setattr(prefixed, "worth_of", lambda *_: Worth(1.0, 0.1, 0.1, 10.0))


def followed(kind: str, *, on: bool = True, **changed: Any) -> Session:
    """Returns a session whose line goes from 1 to 2 in the middle of its only phase."""
    made = session(kind, options(threshold=Rule(0.4, "clock"), **changed), size=Size(train=48))
    made.cache = Cache(on=on, say=lambda words: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trails, "ripe", one_at_a_share)
        work(made, [Phase("tune", 1, 8, 5e-3, (0.0, 5e-3, 5e-3))])
    return made


def one_at_a_share(
    trails: Trails, still: frozenset[int], *, held: frozenset[int]
) -> frozenset[int]:
    """Returns block 1 when two fifths of the rate are spent."""
    spent = trails.places[2][-1][0] if trails.places[2] else 0.0
    return frozenset({1}) - still if spent > 0.4 else frozenset()


@pytest.mark.parametrize("kind", KINDS)
def test_the_line_is_followed_with_the_same_answers(kind: str) -> None:
    plain, cached = followed(kind, on=False), followed(kind)
    assert [event.line for event in cached.ledger.events][:2] == [1, 2]
    assert cached.cache.tally.advanced == len(cached.train)
    answers = [made.evaluate().argmax(axis=1) for made in (plain, cached)]
    assert (answers[0] == answers[1]).mean() >= 0.995
    assert all(stretch.holds for stretch in cached.stretches)


@pytest.mark.parametrize("kind", KINDS)
def test_warm_and_cold_end_alike(kind: str) -> None:
    cold, warm = followed(kind), followed(kind)
    assert state_digest(cold.network) == state_digest(warm.network)
    assert warm.cache.tally.computed < cold.cache.tally.computed


@pytest.mark.parametrize("at", [20, 40])
@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_was_stopped_on_the_way_goes_on_with_the_same_bytes(
    kind: str, at: int, tmp_path: Path
) -> None:
    whole = followed(kind)
    real = steps_module._step

    def killed(stepper: Stepper, *given: Any) -> Any:
        if stepper.session.step == at:
            raise StoppedHereError
        return real(stepper, *given)

    def kept() -> Session:
        made = session(kind, options(threshold=Rule(0.4, "clock")), size=Size(train=48))
        made.cache = Cache(say=lambda words: None)
        made.keeper = Keeper(tmp_path / "checkpoints", soonest=0.0, share=math.inf)
        return made

    phases = [Phase("tune", 1, 8, 5e-3, (0.0, 5e-3, 5e-3))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trails, "ripe", one_at_a_share)
        with patch.context() as inner:
            inner.setattr(steps_module, "_step", killed)
            with pytest.raises(StoppedHereError):
                work(kept(), phases)
        again = kept()
        work(again, phases)
    assert state_digest(again.network) == state_digest(whole.network)


def test_rows_kept_at_a_line_that_the_phase_came_to_go() -> None:
    followed("text")
    kept = [each for each in shelf.shelved() if each.rows]
    assert len(kept) == 1  # of the pretrained prefix, which other runs share


def test_a_single_epoch_that_is_left_stays_where_it_entered() -> None:
    made = followed("text", views=None)
    (told, *others) = made.cache.tally.worth
    assert (told["line"], others) == (1, [])


@pytest.mark.parametrize(("line", "keeps"), [(0, False), (1, True)])
def test_views_are_kept_only_where_the_phase_shows_them_again(line: int, keeps: bool) -> None:
    made = session("text", options(augment="drop-tokens", views=2), size=Size(train=48))
    made.cache = Cache(say=lambda words: None)
    phase = Phase("tune", line, 8, 5e-3, (0.0, 5e-3, 5e-3))
    made.still = frozenset({0})  # blocks came to rest on the way, or from the start
    enter(made, phase, rows=made.train.rows)
    assert made.decided == (1, keeps)


def test_the_line_is_not_followed_to_where_activations_lie_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Level, "by_rows", lambda level, rows: level.line == 1)
    made = followed("text")
    assert [event.line for event in made.ledger.events][:2] == [1, 2]
    assert made.cache.tally.advanced == 0
    assert len(made.cache.tally.levels) == 1


def tune(line: int, epochs: int = 3) -> Phase:
    """Returns a phase of a network of five blocks; with all of them frozen the head is solved."""
    return Phase("tune", line, epochs, 5e-3, tuple(0.0 if b < line else 5e-3 for b in range(5)))


def new(kind: str, **changed: Any) -> Session:
    """Returns a session of a network of five blocks with a cache."""
    network = grafted(kind, deep=True)
    made = session(kind, options(**changed), size=Size(train=48), network=network)
    made.cache = Cache(say=lambda words: None)
    return made


def worked(kind: str, phases: list[Phase], **changed: Any) -> Session:
    made = new(kind, **changed)
    work(made, phases)
    return made


def computed_for_every_batch(kind: str, phases: list[Phase], **changed: Any) -> Session:
    """Returns a session for which nothing was stored; its chunks have the same shapes."""
    shelf.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGRAFT_CACHE_BYTES", "1")
        made = worked(kind, phases, **changed)
    assert (made.cache.tally.bytes, made.cache.tally.advanced) == (0, 0)
    return made


@pytest.mark.parametrize(
    ("lines", "times"),
    [
        ([1, 2], 1),
        ([1, 2, 3], 2),
        ([1, 5, 2], 1),  # whatever a head is solved on, between the two
        ([2, 2], 0),
        ([2, 1], 0),
        ([1, 0, 2], 0),  # what was stored is of weights that moved
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_later_phase_with_a_higher_line_is_carried_on_from_the_lower_level(
    kind: str, lines: list[int], times: int
) -> None:
    phases = [tune(line) for line in lines]
    cached = worked(kind, phases)
    assert cached.top == 5
    assert cached.cache.tally.advanced == times * len(cached.train)
    anew = computed_for_every_batch(kind, phases)
    assert state_digest(cached.network) == state_digest(anew.network)


def two_at_shares(trails: Trails, still: frozenset[int], *, held: frozenset[int]) -> frozenset[int]:
    """Returns block 1 when three tenths of the rate are spent, and block 2 at six tenths."""
    spent = trails.places[4][-1][0] if trails.places[4] else 0.0
    ripe = {block for block, share in ((1, 0.3), (2, 0.6)) if spent > share}
    return frozenset(ripe) - still


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_that_moves_twice_in_a_phase_is_followed_twice(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trails, "ripe", two_at_shares)
    asked: dict[str, Any] = {"threshold": Rule(0.4, "clock")}
    cached = worked(kind, [tune(1, 8)], **asked)
    assert [event.line for event in cached.ledger.events][:3] == [1, 2, 3]
    assert cached.cache.tally.advanced == 2 * len(cached.train)
    assert rows_stored() == [len(cached.train)]
    anew = computed_for_every_batch(kind, [tune(1, 8)], **asked)
    assert state_digest(cached.network) == state_digest(anew.network)


def rows_stored() -> list[int]:
    """Returns how many rows each store holds that is not empty."""
    return [each.rows for each in shelf.shelved() if each.rows]


def one_at_once(trails: Trails, still: frozenset[int], *, held: frozenset[int]) -> frozenset[int]:
    """Returns block 1 at the first check."""
    return frozenset({1} if trails.places[4] else ()) - still


@pytest.mark.parametrize(
    ("line", "computed", "advanced", "stores"),
    [(3, 3, 2, 2), (2, 2, 1, 1)],
    ids=["higher than where the line came to", "where the line came to"],
)
def test_a_level_that_a_phase_came_to_stays_for_the_next_and_goes_then(
    line: int, computed: int, advanced: int, stores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of the pretrained prefix stay for other runs, as do those of a phase's own line."""
    monkeypatch.setattr(Trails, "ripe", one_at_once)
    made = worked("text", [tune(1), tune(line)], threshold=Rule(0.4, "clock"))
    rows, tally = len(made.train), made.cache.tally
    assert (tally.computed, tally.advanced) == (computed * rows, advanced * rows)
    assert rows_stored() == [rows] * stores


def test_a_level_that_a_phase_came_to_goes_where_there_is_no_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Trails, "ripe", one_at_once)
    monkeypatch.setattr(Session, "out_of_time", property(lambda made: made.place.phase > 0))
    made = worked("text", [tune(1), tune(3)], threshold=Rule(0.4, "clock"))
    assert len(made.records) == 3
    assert made.cache.tally.advanced == len(made.train)
    assert rows_stored() == [len(made.train)]


def test_a_level_that_a_training_came_to_before_it_was_stopped_goes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trails, "ripe", two_at_shares)
    made = stopped_at(3, tmp_path, StoppedHereError)
    assert len(rows_stored()) > 1
    again = new("text", threshold=Rule(0.4, "clock"))
    again.keeper = made.keeper
    work(again, [tune(1, 8)])
    assert [event.line for event in again.ledger.events][:3] == [1, 2, 3]
    assert rows_stored() == [len(made.train)]


def test_a_level_that_a_training_came_to_before_it_diverged_goes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trails, "ripe", two_at_shares)
    made = stopped_at(2, tmp_path, DivergedError)
    assert rows_stored() == [len(made.train)]


def stopped_at(line: int, folder: Path, kind: type[Exception]) -> Session:
    """Returns a session whose training ends in an error at the first step from a line."""
    made = new("text", threshold=Rule(0.4, "clock"))
    made.keeper = Keeper(folder / "checkpoints", soonest=0.0, share=math.inf)
    real = steps_module._step

    def failing(stepper: Stepper, *given: Any) -> Any:
        if stepper.session.entry is not None and stepper.session.entry.line == line:
            raise kind("a fake")
        return real(stepper, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps_module, "_step", failing)
        with pytest.raises(kind):
            work(made, [tune(1, 8)])
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_was_stopped_in_the_later_phase_goes_on_with_the_same_bytes(
    kind: str, tmp_path: Path
) -> None:
    phases = [tune(1), tune(2)]
    whole, real = worked(kind, phases), steps_module._step

    def killed(stepper: Stepper, *given: Any) -> Any:
        if stepper.session.place.phase == 1 and stepper.session.place.done == 2:
            raise StoppedHereError
        return real(stepper, *given)

    def kept() -> Session:
        made = new(kind)
        made.keeper = Keeper(tmp_path / "checkpoints", soonest=0.0, share=math.inf)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps_module, "_step", killed)
        with pytest.raises(StoppedHereError):
            work(kept(), phases)
    shelf.clear()
    again = kept()
    work(again, phases)
    assert again.cache.tally.advanced == 0
    assert state_digest(again.network) == state_digest(whole.network)
